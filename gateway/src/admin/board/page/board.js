// The live board. Figures come once a second from /board/stream, what was before from /board/history, SKUs from /board/skus.
'use strict';

const STALE_AFTER_MS = 3000;
const SKUS_EVERY_MS = 2000;
const AGAIN_AFTER_MS = 5000;
const KEPT = 900;
// A chart shows at least so many seconds, and as many as there are.
const SHOWN_AT_LEAST = 120;

const id = (name) => document.getElementById(name);
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });
const count = (number) => whole.format(number);
const rate = (number) => (number >= 100 || number === 0 ? whole : fine).format(number);
const percent = (share) => `${fine.format(share * 100)} %`;

function took(us) {
  if (!us) return '—';
  if (us < 1000) return `${us} µs`;
  return us < 1e6 ? `${fine.format(us / 1000)} ms` : `${fine.format(us / 1e6)} s`;
}

function span(seconds) {
  const two = (number) => String(Math.floor(number)).padStart(2, '0');
  const days = Math.floor(seconds / 86400);
  return `${days ? `${days} d ` : ''}${two((seconds / 3600) % 24)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function say(name, text) {
  const node = id(name);
  if (node.textContent !== text) node.textContent = text;
}

function make(tag, attributes = {}, ...children) {
  const svg = ['svg', 'polyline', 'line'].includes(tag);
  const node = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const cell = (content, kind) => make('td', kind ? { class: kind } : {}, content);

function rows(table, list, nothing) {
  const body = table.tBodies[0];
  if (list.length) return body.replaceChildren(...list);
  const none = cell(nothing, 'quiet');
  none.colSpan = table.tHead.rows[0].cells.length;
  return body.replaceChildren(make('tr', {}, none));
}

// Sold, held and free units as one bar. Its label says the same to who can't see it.
function fill(bar, sold, held, free) {
  const all = Math.max(1, sold + held + free);
  const [one, two] = bar.children;
  one.style.width = `${(sold / all) * 100}%`;
  two.style.width = `${(held / all) * 100}%`;
  bar.setAttribute('aria-label', `${percent(sold / all)} sold, ${percent(held / all)} held, ${percent(free / all)} free`);
}

function bar(sold, held, free) {
  const split = make('div', { class: 'split', role: 'img' }, make('i', { class: 'sold' }), make('i', { class: 'held' }));
  fill(split, sold, held, free);
  return split;
}

// A chart of some columns of the history over time. Arrow keys and the pointer read values off it.
class Chart {
  constructor(figure, title, lines, show, least = 0) {
    Object.assign(this, { lines, show, least, at: null, wide: SHOWN_AT_LEAST, drawn: past });
    this.values = lines.map(() => make('b'));
    const keys = lines.map(([, name], nth) => make('span', { class: 'key' },
      make('svg', { viewBox: '0 0 26 8', 'aria-hidden': 'true' }, make('line', { x1: 0, x2: 26, y1: 4, y2: 4, 'stroke-width': 2, class: `s${nth}` })),
      `${name} `, this.values[nth]));
    this.moment = make('span', { class: 'key quiet' });
    this.svg = make('svg', { viewBox: '0 0 1000 100', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    this.curves = lines.map((_, nth) => make('polyline', { class: `s${nth}` }));
    this.mark = make('line', { class: 'mark', y1: 0, y2: 100, visibility: 'hidden' });
    this.svg.append(...this.curves, this.mark);
    this.top = make('span', { class: 'top' });
    this.from = make('span', { class: 'from' });
    this.plot = make('div', { class: 'plot', tabindex: 0, role: 'img' }, this.svg, this.top, this.from, make('span', { class: 'to' }, 'now'));
    figure.append(make('figcaption', {}, title, ...keys, this.moment), this.plot);
    this.title = title;
    this.plot.addEventListener('pointermove', (event) => this.read((event.offsetX / this.plot.clientWidth) * this.wide));
    this.plot.addEventListener('pointerleave', () => this.read(null));
    this.plot.addEventListener('blur', () => this.read(null));
    this.plot.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: -10, ArrowRight: 10 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.read(Math.min(this.wide - 1, Math.max(0, (this.at ?? this.wide - 1) + step)));
    });
  }

  read(at) {
    this.at = at;
    this.draw(this.drawn);
  }

  draw(history) {
    this.drawn = history;
    const length = history.at_ms.length;
    this.wide = Math.min(KEPT, Math.max(SHOWN_AT_LEAST, length));
    const missing = this.wide - length;
    const columns = this.lines.map(([name]) => history[name]);
    const top = columns.reduce((most, column) => column.reduce((a, b) => Math.max(a, b), most), this.least * 10) || 1;
    // Times are drawn by their logarithm from the least that is of interest: one bad second would flatten all others.
    const part = (value) => (this.least ? Math.log(Math.max(value, this.least) / this.least) / (Math.log(top / this.least) || 1) : value / top);
    columns.forEach((column, nth) => {
      const points = column.map((value, at) => `${(((at + missing) / (this.wide - 1)) * 1000).toFixed(1)},${(98 - part(value) * 94).toFixed(2)}`);
      this.curves[nth].setAttribute('points', points.join(' '));
    });
    this.top.textContent = this.least ? `${this.show(top)}, down to ${this.show(this.least)} (logarithmic)` : this.show(top);
    this.from.textContent = `${Math.round(this.wide / 60)} minutes ago`;
    const at = this.at === null ? length - 1 : Math.round(this.at) - missing;
    const known = at >= 0 && at < length;
    this.values.forEach((value, nth) => { value.textContent = known ? this.show(columns[nth][at]) : '—'; });
    this.mark.setAttribute('visibility', this.at === null ? 'hidden' : 'visible');
    const x = ((this.at ?? 0) / (this.wide - 1)) * 1000;
    this.mark.setAttribute('x1', x);
    this.mark.setAttribute('x2', x);
    this.moment.textContent = this.at === null || !known ? '' : `${Math.round((history.at_ms[length - 1] - history.at_ms[at]) / 1000)} s ago`;
    this.plot.setAttribute('aria-label', `${this.title}, ${this.lines.map(([, name], nth) => `${name} ${this.values[nth].textContent}`).join(', ')}. Arrow keys read earlier values.`);
  }
}

let past = { at_ms: [] };

const charts = [
  new Chart(id('chart-orders'), 'Orders a second', [['offered', 'offered'], ['accepted', 'accepted'], ['refused', 'refused'], ['shed', 'shed']], rate),
  new Chart(id('chart-latency'), 'Time to answer an order', [['p50_us', 'p50'], ['p99_us', 'p99'], ['p999_us', 'p99.9']], took, 1),
  new Chart(id('chart-stock'), 'Units', [['available', 'free'], ['sold', 'sold'], ['held', 'held']], count),
  new Chart(id('chart-log'), 'Log commit', [['log_p99_us', 'p99 of a block']], took, 10),
];

let frame = null;
let arrived = 0;
let since = performance.now();

function paint() {
  const { orders, stock, latency, log, admission, release } = frame;
  say('state', { ready: '✓ ready', draining: '… draining', poisoned: '✕ log failed' }[frame.state] ?? frame.state);
  id('state').className = `pill ${{ ready: 'good', poisoned: 'bad' }[frame.state] ?? ''}`;
  say('about', `version ${frame.version}, up ${span(frame.uptime_s)}, ${count(admission.connections)} connections`);
  for (const name of ['offered', 'accepted', 'refused', 'shed']) {
    say(name, count(orders[name]));
    say(`${name}-rate`, rate(orders[`${name}_per_second`]));
  }
  say('p50', took(latency.p50_us));
  say('p99', took(latency.p99_us));
  say('p999', took(latency.p999_us));
  for (const name of ['available', 'held', 'sold', 'holds', 'waiting']) say(name, count(stock[name]));
  fill(id('stock-bar'), stock.sold, stock.held, stock.available);
  alarms(frame.alarms);
  rows(id('reasons'), frame.reasons.map((reason) => make('tr', {}, cell(reason.code), cell(reason.shed ? 'overload' : 'rule'), cell(rate(reason.per_second), 'n'), cell(count(reason.total), 'n'))), 'none was refused');
  const taken = frame.channels.reduce((sum, channel) => sum + channel.taken, 0) || 1;
  rows(id('channels'), frame.channels.map((channel) => {
    const share = channel.guarantee ? channel.taken / channel.guarantee : 0;
    const pace = make('td', { class: 'burn' }, bar(Math.min(share, 1), 0, Math.max(0, 1 - share)), channel.guarantee ? percent(share) : 'no guarantee');
    return make('tr', {}, cell(String(channel.channel)), cell(count(channel.skus), 'n'), cell(count(channel.taken), 'n'), cell(count(channel.guarantee), 'n'), pace, cell(percent(channel.taken / taken), 'n'));
  }), 'no SKU has rules for channels');
  goals(frame.goals);
  rows(id('campaigns'), frame.campaigns.map((campaign) => make('tr', {}, cell(String(campaign.campaign)), cell(campaign.paused ? `${campaign.stage}, paused` : campaign.stage), cell(count(campaign.skus), 'n'), cell(count(campaign.missing_prices), 'n'), cell(campaign.next_ms === null ? 'none' : new Date(campaign.next_ms).toISOString().replace('T', ' ').slice(0, 19)))), 'none is set up, or all are over');
  say('breakers-note', `${frame.breakers_all - frame.breakers.length} of ${frame.breakers_all} are closed and work by themselves.`);
  rows(id('breakers'), frame.breakers.map((breaker) => make('tr', {}, cell(breaker.scope), cell(breaker.class), cell(breaker.state), cell(breaker.mode))), 'no other');
  const facts = [
    ['Asked for, of what may wait', percent(admission.load)],
    ['Work that waits', `${took(admission.backlog_us)} of ${took(admission.backlog_limit_us)}`],
    ['Operations without an answer', count(admission.in_flight)],
    ['Refusing for overload', admission.overloaded ? 'yes' : 'no'],
    ['Free though orders wait (L2)', `${count(frame.spare.units)} units of ${count(frame.spare.skus)} SKUs`],
    ['Lost of what was let in (L3)', `${percent(admission.lost_admitted)} of ${percent(admission.budget)}`],
    ['Lost of payments (L4)', `${percent(admission.lost_settled)} of ${percent(admission.budget)}`],
    ['Missing to the best second (L1)', percent(admission.lost_goodput)],
    ['Orders paid', `${count(stock.paid)}, ${rate(stock.paid_per_second)}/s`],
    ['Holds that ran out', count(stock.expired)],
    ['Late releases, p99 of a minute', release.p99_ms === null ? '—' : `up to ${release.p99_ms} ms`],
    ['Latest release ever', `${count(release.max_ms)} ms`],
    ['Log: a block, p50 and p99', `${took(log.p50_us)}, ${took(log.p99_us)}`],
    ['Log: decided, not durable', count(log.behind)],
    ['Log: bytes of events', `${count(log.bytes_per_second)}/s`],
    ['Emergency plans in force', frame.plans.filter(([, active]) => active).map(([name, active]) => `${name} ×${active}`).join(', ') || 'none'],
  ];
  id('server').replaceChildren(...facts.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]));
  charts.forEach((chart) => chart.draw(past));
}

function alarms(list) {
  const bad = list.filter((alarm) => alarm.level === 'alarm').length;
  say('alarm-count', bad ? `⚠ ${bad}` : '✓ none');
  id('alarm-count').classList.toggle('bad-text', bad > 0);
  say('alarm-note', list.length > bad ? `${list.length - bad} to know of` : '');
  for (const family of ['stability', 'price', 'logistics']) {
    const told = list.filter((alarm) => alarm.family === family);
    const items = told.map((alarm) => make('li', { class: alarm.level }, `${alarm.level === 'alarm' ? '⚠' : 'ℹ'} ${alarm.text}`, make('small', {}, `${alarm.name}: ${alarm.runbook}`)));
    id(`family-${family}`).querySelector('ul').replaceChildren(...(items.length ? items : [make('li', { class: 'quiet' }, '✓ quiet')]));
  }
}

// How far the goals are attained, where the server was started with a file of them.
function goals(of) {
  id('goals').hidden = !of;
  if (!of) return;
  const due = of.expected === null ? 'Without T0 and a curve in the file of goals nothing is said of pace.' : `By now ${percent(of.expected)} should be sold.`;
  say('goals-note', `${of.name || 'The plan'}. ${due} Behind is who has less than 85 % of what he should have.`);
  const part = (share, behind) => (share === null ? '—' : make('span', behind ? { class: 'bad-text' } : {}, `${percent(share)}${behind ? ', behind' : ''}`));
  const attained = (share) => make('td', { class: 'burn' }, ...(share === null ? ['in money: see reports'] : [bar(Math.min(share, 1), 0, Math.max(0, 1 - share)), percent(share)]));
  rows(id('categories'), of.categories.map((row) => make('tr', {}, cell(row.name), cell(count(row.units), 'n'), cell(row.measure === 'units' ? count(row.goal) : '—', 'n'), attained(row.attainment), cell(row.tier ?? '—'), cell(part(row.share, false), 'n'), cell(part(row.pace, row.behind), 'n'))), 'the file names no category');
  rows(id('shares'), of.channels.map((row) => make('tr', {}, cell(row.name), cell(count(row.taken), 'n'), cell(part(row.share, false), 'n'), cell(percent(row.planned), 'n'), make('td', { class: 'burn' }, bar(Math.min(row.attainment ?? 0, 1), 0, Math.max(0, 1 - (row.attainment ?? 0))), part(row.attainment, row.behind)))), 'the file names no channel');
}

// Counts down by the server's time, so that a phone with a wrong clock shows the right one.
function countdown() {
  if (!frame) return;
  const now = frame.point.at_ms + (performance.now() - arrived);
  const coming = frame.campaigns.filter((campaign) => campaign.next_ms !== null && !campaign.paused).sort((a, b) => a.next_ms - b.next_ms);
  const start = coming.find((campaign) => campaign.stage === 'warm-up');
  const next = start ?? coming[0];
  say('countdown-name', start ? 'Until T0' : next ? 'Until the next phase' : 'Countdown');
  say('countdown', next ? span(Math.max(0, Math.ceil((next.next_ms - now) / 1000))) : '—');
  const standing = frame.campaigns.map((campaign) => `campaign ${campaign.campaign}: ${campaign.stage}${campaign.paused ? ', paused' : ''}`);
  say('countdown-note', standing.slice(0, 3).join('; ') || 'no campaign is under way');
}

function fresh() {
  const age = performance.now() - (arrived || since);
  const old = age > STALE_AFTER_MS;
  document.body.classList.toggle('old', old);
  id('stale').hidden = !old;
  if (old) say('stale', `✕ These figures are ${Math.round(age / 1000)} s old: the server does not answer. This page connects again by itself.`);
  say('fresh', old ? '○ stale' : arrived ? '● live' : 'connecting …');
  countdown();
}

async function fetched(path) {
  const answer = await fetch(path, { cache: 'no-store' });
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
}

let broken = true;

async function take(event) {
  frame = JSON.parse(event.data);
  arrived = performance.now();
  if (broken) {
    broken = false;
    try { past = await fetched('/board/history'); } catch { broken = true; }
  }
  const last = past.at_ms.at(-1);
  if (last === undefined || last !== frame.point.at_ms) {
    for (const [name, value] of Object.entries(frame.point)) {
      (past[name] ??= []).push(value);
      if (past[name].length > KEPT) past[name].shift();
    }
  }
  paint();
  fresh();
}

function connect() {
  const stream = new EventSource('/board/stream');
  stream.onmessage = take;
  stream.onerror = () => {
    broken = true;
    // A refusal closes it for good: there are as many viewers as may be.
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, AGAIN_AFTER_MS);
  };
}

// The burn-down of the SKU that was picked. The server keeps it from the first time that it is asked for.
const burn = new Chart(id('chart-sku'), 'SKU', [['available', 'free'], ['sold', 'sold'], ['held', 'held']], count);
let picked = null;

async function look(sku) {
  if (sku !== picked) {
    picked = sku;
    for (const button of document.querySelectorAll('.pick')) button.setAttribute('aria-pressed', String(button.textContent === sku));
  }
  id('chart-sku').hidden = !picked;
  if (!picked) return;
  try {
    const course = await fetched(`/board/sku?${new URLSearchParams({ sku })}`);
    if (sku !== picked) return;
    burn.title = `SKU ${sku}`;
    id('chart-sku').querySelector('figcaption').firstChild.data = `SKU ${sku}`;
    burn.draw(course);
  } catch {
    // The page says by itself when the server doesn't answer.
  }
}

let sort = 'pace';
let asked = 0;

async function list() {
  const mine = ++asked;
  const wish = new URLSearchParams({ search: id('search').value.trim(), sort, limit: id('limit').value });
  let found;
  try {
    found = await fetched(`/board/skus?${wish}`);
  } catch (error) {
    if (mine === asked) say('skus-note', error.message);
    return;
  }
  if (mine !== asked) return;
  const { pass } = found;
  const all = pass.partial ? `${count(pass.skus)} of more, as this page takes no more` : count(pass.skus);
  say('skus-note', pass.passes ? `${count(found.skus.length)} of ${count(found.matched)} shown; ${all} SKUs are looked at, the last look took ${took(Math.max(1, pass.lasted_ms) * 1000)}` : 'SKUs are being looked at …');
  // Whoever is on a SKU by keyboard stays on it when the list is drawn anew.
  const focused = document.activeElement?.classList.contains('pick') ? document.activeElement.textContent : null;
  rows(id('skus'), found.skus.map((sku) => {
    const pick = make('button', { class: 'pick', 'aria-pressed': String(sku.sku === picked), title: 'show its burn-down' }, sku.sku);
    pick.addEventListener('click', () => look(sku.sku === picked ? null : sku.sku));
    const name = make('td', {}, pick);
    if (sku.frozen) name.append(' ', make('span', { class: 'tag' }, 'frozen'));
    const left = sku.available === 0 ? 'sold out' : sku.per_second > 0.05 ? span(sku.available / sku.per_second) : '—';
    return make('tr', { 'data-sku': sku.sku }, name, cell(count(sku.available), 'n'), cell(count(sku.held), 'n'), cell(count(sku.sold), 'n'), make('td', { class: 'burn' }, bar(sku.sold, sku.held, sku.available)), cell(rate(sku.per_second), 'n'), cell(left, 'n'), cell(count(sku.waiting), 'n'));
  }), pass.passes ? 'no SKU fits' : '…');
  if (focused) [...document.querySelectorAll('.pick')].find((button) => button.textContent === focused)?.focus({ preventScroll: true });
}

for (const button of document.querySelectorAll('[data-sort]')) {
  button.addEventListener('click', () => {
    sort = button.dataset.sort;
    for (const other of document.querySelectorAll('[data-sort]')) {
      const rising = ['sku', 'available'].includes(sort) ? 'ascending' : 'descending';
      other.closest('th').setAttribute('aria-sort', other === button ? rising : 'none');
    }
    list();
  });
}
id('search').addEventListener('input', list);
id('limit').addEventListener('change', list);
id('find').addEventListener('submit', (event) => { event.preventDefault(); list(); });

connect();
list();
setInterval(() => {
  if (document.hidden) return;
  list();
  look(picked);
}, SKUS_EVERY_MS);
setInterval(fresh, 250);
