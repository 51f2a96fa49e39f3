// A shop that talks to Doorbuster with ioredis: node redis_shop.js PORT
//
// Start a server for it with: doorbuster serve --dev --resp 127.0.0.1:7702
// docs/resp.md lists the commands.
"use strict";

const crypto = require("node:crypto");

let Redis;
try {
  Redis = require("ioredis");
} catch {
  console.error("ioredis is missing: npm install ioredis");
  process.exit(69);
}

// A request id, a UUID version 7. Its first 48 bits are the time, so that the server knows how long to remember it.
function uuid7() {
  const id = crypto.randomBytes(16);
  id.writeUIntBE(Date.now(), 0, 6);
  id[6] = 0x70 | (id[6] & 0x0f);
  id[8] = 0x80 | (id[8] & 0x3f);
  return id.toString("hex");
}

// The map of an answer: a list of names and values in turn. Orders, SKUs and shoppers are text, as they have 64 bits.
function fields([, content]) {
  const map = {};
  for (let at = 0; at < content.length; at += 2) map[content[at]] = content[at + 1];
  return map;
}

async function main(port) {
  const shop = new Redis(port);

  const sku = Date.now();
  const known = await shop.call("SALE.PUTSKU", sku, 5, "USERLIMIT", 2);
  console.log(`set up a SKU of 5 units, 2 a shopper: ${known[0]}`);

  // A request with an id may be repeated, as after a lost connection: it is executed once.
  const reserve = ["SALE.RESERVE", 42, sku, 1, "ID", uuid7(), "AMOUNT", 999];
  const held = await shop.call(...reserve);
  const { order, state } = fields(held);
  console.log(`reserve 1 unit for shopper 42: ${held[0]}, ${state}`);
  const again = await shop.call(...reserve);
  console.log(`the same request again: ${again[0]}, ${fields(again).order === order ? "the same order" : "ANOTHER ORDER"}`);

  // What a sale decides is a reply, not an exception.
  const limit = await shop.call("SALE.RESERVE", 42, sku, 3);
  console.log(`reserve 3 units for shopper 42: ${limit[0]}`);
  const paid = await shop.call("SALE.CONFIRM", order, 42, "pay-1", "AMOUNT", 999);
  console.log(`pay the order: ${paid[0]}, ${fields(paid).state}`);

  const pipeline = shop.pipeline();
  for (let shopper = 1; shopper <= 5; shopper++) pipeline.call("SALE.RESERVE", shopper, sku, 1);
  const counts = {};
  for (const [, reply] of await pipeline.exec()) counts[reply[0]] = (counts[reply[0]] ?? 0) + 1;
  const said = Object.keys(counts).sort().map((code) => `${counts[code]} x ${code}`);
  console.log(`reserve 5 in one pipeline: ${said.join(", ")}`);

  // Bad requests and overload are errors. After SHED and its like, repeat the request with the same id.
  await shop.call("SALE.RESERVE", "somebody", sku, 1).catch((error) => {
    console.log(`a bad request: ${error.message.split(" ")[0]}`);
  });
  const stock = fields(await shop.call("SALE.STOCK", sku));
  console.log(`stock: ${stock.available} available, ${stock.held} held, ${stock.sold} sold`);
  shop.disconnect();
}

const port = Number(process.argv[2]);
if (process.argv.length !== 3 || !Number.isInteger(port)) {
  console.error("usage: node redis_shop.js PORT");
  process.exit(2);
}
main(port);
