//! What people see: the page in a real browser.

use doorbuster_gateway::testing::Server;

use super::chromium::Chromium;
use super::{CAMPAIGN, GOALS, admin, metric, sale, shop, start, start_with};

/// A number as the page writes it.
fn number(text: &str) -> u64 {
    text.replace(',', "").parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

fn open(browser: &mut Chromium, server: &Server) {
    browser.open(&format!("http://{}/board", admin(server)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_the_figures_of_the_metrics() {
    let Some(mut browser) = Chromium::start() else { return };
    let server = start();
    sale(&shop(&server, 5).await).await;
    open(&mut browser, &server);
    browser.until("document.querySelector('#offered').textContent === '40'");
    let all = |outcome: &str| metric(&server, "doorbuster_requests_total", &["op=\"RESERVE\"", outcome]);
    let of = |name: &str| metric(&server, &format!("doorbuster_{name}"), &[]);
    let expected = [
        ("#accepted", all("outcome=\"OK\"")),
        ("#refused", all("outcome=\"SOLD_OUT\"")),
        ("#shed", 0),
        ("#available", of("units_available")),
        ("#held", of("units_held")),
        ("#sold", of("units_sold")),
        ("#holds", of("open_holds")),
        ("#waiting", 0),
    ];
    for (selector, value) in expected {
        assert_eq!(number(&browser.text(selector)), value, "{selector}");
    }
    assert_eq!(browser.text("#state"), "✓ ready");
    assert_eq!(browser.text("#reasons tbody tr td"), "SOLD_OUT");
    assert!(browser.text("#family-price").contains("named a wrong price"));
    assert!(browser.text("#family-logistics").contains("quiet"));
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_sorts_the_skus_and_a_search_finds_some() {
    let Some(mut browser) = Chromium::start() else { return };
    let server = start();
    sale(&shop(&server, 300).await).await;
    browser.window((1280, 900), false, false);
    open(&mut browser, &server);
    browser.until("document.querySelectorAll('#skus tbody tr[data-sku]').length === 20");
    browser.click("[data-sort=sku]");
    browser.until("[...document.querySelectorAll('#skus tbody tr')].slice(0, 3).map((row) => row.dataset.sku).join() === '1,2,3'");
    let pressed = "document.querySelector('[data-sort=sku]').closest('th').getAttribute('aria-sort')";
    assert_eq!(browser.value(pressed), "ascending");
    let sold = browser.text("#skus tbody tr[data-sku='1'] td:nth-child(4)");
    assert_eq!(number(&sold), 5, "every other one of the ten who got a unit paid");
    browser.click("#search");
    browser.write("29");
    browser.until("document.querySelectorAll('#skus tbody tr[data-sku]').length === 11");
    assert_eq!(browser.text("#skus tbody tr td"), "29");
    browser.write("x");
    browser.until("document.querySelector('#skus-note').textContent.startsWith('search: a SKU')");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_on_a_sku_shows_its_burn_down_and_another_one_hides_it() {
    let Some(mut browser) = Chromium::start() else { return };
    let server = start();
    sale(&shop(&server, 50).await).await;
    browser.window((1280, 900), false, false);
    open(&mut browser, &server);
    browser.until("document.querySelectorAll('#skus tbody tr[data-sku]').length === 20");
    assert_eq!(browser.value("document.querySelector('#chart-sku').hidden"), true);
    browser.click("[data-sort=sku]");
    browser.until("document.querySelector('#skus tbody tr').dataset.sku === '1'");
    browser.click("#skus tbody tr[data-sku='2'] .pick");
    browser.until("!document.querySelector('#chart-sku').hidden");
    // 20 units, of which 15 were taken and 7 paid.
    browser.until("document.querySelector('#chart-sku .plot').getAttribute('aria-label')?.startsWith('SKU 2, free 5, sold 7, held 8.')");
    browser.until("document.querySelector('#skus tbody tr[data-sku=\"2\"] .pick').getAttribute('aria-pressed') === 'true'");
    browser.click("#skus tbody tr[data-sku='2'] .pick");
    browser.until("document.querySelector('#chart-sku').hidden");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn goals_are_on_the_page_where_there_are_any() {
    let Some(mut browser) = Chromium::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("goals.toml");
    std::fs::write(&file, GOALS).expect("it is written");
    let server = start_with(Some(&file));
    sale(&shop(&server, 5).await).await;
    open(&mut browser, &server);
    browser.until("document.querySelectorAll('#categories tbody tr').length === 2");
    let cells = "[...document.querySelectorAll('#categories tbody tr:last-child td')].map((td) => td.textContent).join()";
    assert_eq!(browser.value(cells), "cases,7,70,10 %,—,58.3 %,20 %, behind");
    assert_eq!(browser.text("#shares tbody tr:first-child td"), "own shop");
    assert!(browser.text("#family-price").contains("what should be by now: cases"));
    server.stop();
    let server = start();
    open(&mut browser, &server);
    browser.until("document.querySelector('#fresh').textContent === '● live'");
    assert_eq!(browser.value("document.querySelector('#goals').hidden"), true);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_countdown_goes_by_the_servers_time() {
    let Some(mut browser) = Chromium::start() else { return };
    let server = start();
    let client = shop(&server, 5).await;
    server.clock().advance(1_000);
    client.read_campaign(CAMPAIGN).await.expect("an answer").done().expect("it is there");
    open(&mut browser, &server);
    browser.until("document.querySelector('#countdown-name').textContent === 'Until T0'");
    // The server's clock stands still; the page counts on from each frame, at most some seconds.
    let left = browser.text("#countdown");
    assert!(left.starts_with("01:02:0") || left.starts_with("01:01:5"), "{left}");
    server.stop();
}

#[test]
fn a_page_says_that_its_figures_are_old_and_comes_back_by_itself() {
    let Some(mut browser) = Chromium::start() else { return };
    let server = start();
    let on = admin(&server);
    open(&mut browser, &server);
    browser.until("document.querySelector('#fresh').textContent === '● live'");
    let (storage, clock) = server.stop();
    browser.until("!document.querySelector('#stale').hidden");
    assert!(browser.text("#stale").contains("the server does not answer"));
    assert_eq!(browser.text("#fresh"), "○ stale");
    let server = Server::start_on(storage, clock, |setup| setup.admin = Some(on));
    browser.until("document.querySelector('#stale').hidden");
    assert_eq!(browser.text("#fresh"), "● live");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_wider_than_a_phone() {
    let Some(mut browser) = Chromium::start() else { return };
    let server = start();
    sale(&shop(&server, 50).await).await;
    browser.window((390, 844), true, true);
    open(&mut browser, &server);
    browser.until("document.querySelectorAll('#skus tbody tr[data-sku]').length === 20");
    assert_eq!(browser.value("document.documentElement.scrollWidth"), 390);
    assert_eq!(browser.value("matchMedia('(prefers-color-scheme: dark)').matches"), true);
    server.stop();
}

/// Pictures of a board that was busy for a while, for people to look at: light, dark and on a phone. `BOARD_ADMIN` names the admin
/// port of a server, `BOARD_PICTURES` a folder.
#[test]
#[ignore = "takes pictures of a server that somebody else started"]
fn pictures() {
    let (Ok(on), Ok(folder)) = (std::env::var("BOARD_ADMIN"), std::env::var("BOARD_PICTURES")) else {
        return;
    };
    let Some(mut browser) = Chromium::start() else { return };
    for (name, size, dark, phone) in [
        ("light", (1440, 900), false, false),
        ("dark", (1440, 900), true, false),
        ("phone", (390, 844), false, true),
        ("phone-dark", (390, 844), true, true),
    ] {
        browser.window(size, dark, phone);
        browser.open(&format!("http://{on}/board"));
        browser.until("document.querySelectorAll('#skus tbody tr[data-sku]').length > 9 && document.querySelector('#fresh').textContent === '● live'");
        browser.until("Number(document.querySelector('#skus tbody tr td:nth-child(6)').textContent.replaceAll(',', '')) > 0");
        browser.click("#skus tbody tr .pick");
        browser.until(
            "document.querySelector('#chart-sku polyline')?.getAttribute('points').split(' ').length > 3",
        );
        std::fs::write(format!("{folder}/{name}.png"), browser.picture())
            .expect("the folder can be written to");
    }
}
