"""A shop that talks to Doorbuster with redis-py: python3 redis_shop.py PORT

Start a server for it with: doorbuster serve --dev --resp 127.0.0.1:7702
docs/resp.md lists the commands.
"""

import os
import sys
import time
from collections import Counter

try:
    import redis
except ImportError:
    print("redis-py is missing: pip install redis", file=sys.stderr)
    sys.exit(69)


def uuid7() -> str:
    """A request id. Its first 48 bits are the time, so that the server knows how long to remember it."""
    stamp = int(time.time() * 1000).to_bytes(6, "big")
    tail = bytearray(os.urandom(10))
    tail[0] = 0x70 | tail[0] & 0x0F
    tail[2] = 0x80 | tail[2] & 0x3F
    return (stamp + bytes(tail)).hex()


def fields(reply):
    """The map of an answer. In RESP2 it is a list of names and values in turn."""
    content = reply[1]
    return content if isinstance(content, dict) else dict(zip(content[::2], content[1::2]))


def main(port: int) -> None:
    shop = redis.Redis(port=port, decode_responses=True)

    sku = int(time.time() * 1000)
    known = shop.execute_command("SALE.PUTSKU", sku, 5, "USERLIMIT", 2)
    print(f"set up a SKU of 5 units, 2 a shopper: {known[0]}")

    # A request with an id may be repeated, as after a lost connection: it is executed once.
    request = uuid7()
    reserve = ("SALE.RESERVE", 42, sku, 1, "ID", request, "AMOUNT", 999)
    held = shop.execute_command(*reserve)
    order = fields(held)["order"]
    print(f"reserve 1 unit for shopper 42: {held[0]}, {fields(held)['state']}")
    again = shop.execute_command(*reserve)
    same = "the same order" if fields(again)["order"] == order else "ANOTHER ORDER"
    print(f"the same request again: {again[0]}, {same}")

    # What a sale decides is a reply, not an exception.
    limit = shop.execute_command("SALE.RESERVE", 42, sku, 3)
    print(f"reserve 3 units for shopper 42: {limit[0]}")
    paid = shop.execute_command("SALE.CONFIRM", order, 42, "pay-1", "AMOUNT", 999)
    print(f"pay the order: {paid[0]}, {fields(paid)['state']}")

    pipeline = shop.pipeline(transaction=False)
    for shopper in range(1, 6):
        pipeline.execute_command("SALE.RESERVE", shopper, sku, 1)
    counts = Counter(reply[0] for reply in pipeline.execute())
    print("reserve 5 in one pipeline: " + ", ".join(f"{n} x {code}" for code, n in sorted(counts.items())))

    # Bad requests and overload are errors. After SHED and its like, repeat the request with the same id.
    try:
        shop.execute_command("SALE.RESERVE", "somebody", sku, 1)
    except redis.ResponseError as error:
        print(f"a bad request: {str(error).split()[0]}")
    stock = fields(shop.execute_command("SALE.STOCK", sku))
    print(f"stock: {stock['available']} available, {stock['held']} held, {stock['sold']} sold")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].isdigit():
        sys.exit("usage: python3 redis_shop.py PORT")
    main(int(sys.argv[1]))
