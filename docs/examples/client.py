#!/usr/bin/env python3
"""A small Doorbuster client, written from docs/protocol.md. Python 3.8 or later, standard library only.

    python3 docs/examples/client.py 127.0.0.1:7700

sets up a SKU of its own, buys a unit, is refused, repeats a request, and prints what happens. Meant for a server
that was started with `doorbuster serve --dev`. For a server that has keys, put one into DOORBUSTER_KEY; for one that
encrypts, name the file of its authority's certificate in DOORBUSTER_TLS_CA.
"""

import os
import socket
import ssl
import struct
import sys

# Section "Header": length, version, kind, class, flags, correlation, time, count; then the checksum.
HEADER = struct.Struct("<IBBBBQQI")
HEADER_LEN = 32
VERSION = 1
MAX_BODY = 1 << 20
FIRST_ATTEMPT = 0x01

HELLO, PING, AUTH = 0x01, 0x02, 0x03
RESERVE, CONFIRM, CANCEL = 0x10, 0x11, 0x12
READ_ORDER, READ_STOCK, READ_STATUS = 0x20, 0x21, 0x22
PUT_SKU = 0x30
GOODBYE, ERROR = 0xFE, 0xFF

# Section "Records": what each kind carries. Fixed width, little-endian, no padding.
HELLO_RECORD = struct.Struct("<8sBBQQ")  # then the client's name
WELCOME_RECORD = struct.Struct("<BBQQ16sIIIQIIQ")  # then the server's name
FAULT_RECORD = struct.Struct("<HIQ")  # then the message
RESERVE_RECORD = struct.Struct("<16sQQQIIIIHHHH")
CONFIRM_RECORD = struct.Struct("<QQ16sQ")
CANCEL_RECORD = struct.Struct("<QQI")
READ_ORDER_RECORD = struct.Struct("<QQ")
READ_STOCK_RECORD = struct.Struct("<Q")
PUT_SKU_RECORD = struct.Struct("<QQIIQI")
ANSWER_RECORD = struct.Struct("<HBBIQQQ")
ORDER_RECORD = struct.Struct("<HBBIQQQQQQQ16s16sHHH")
STOCK_RECORD = struct.Struct("<HHIIIQQQQQQI")
STATUS_RECORD = struct.Struct("<HBBIQQQQQQQQQ")

ANSWER_FIELDS = ("code", "state", "field", "retry_after_ms", "order", "at", "units")
ORDER_FIELDS = (
    "code", "state", "refunds", "quantity", "order", "user", "sku", "placed_at", "expires_at", "ended_at",
    "amount", "request_id", "payment_id", "channel", "tier", "lines",
)
STOCK_FIELDS = (
    "code", "reserved", "user_limit", "order_limit", "holds", "sku", "available", "held", "sold", "stocked",
    "next_expiry", "waiting",
)
STATUS_FIELDS = (
    "code", "durability", "throwaway", "shards", "now_ms", "skus", "orders", "available", "held", "sold",
    "decided", "durable", "sync_p99_us",
)

# docs/codes.md.
CODES = {
    1000: "OK", 1001: "REPLAYED", 1002: "REACQUIRED", 1003: "WAITLISTED",
    1100: "BAD_REQUEST", 1101: "UNKNOWN_OPERATION", 1102: "VERSION_MISMATCH", 1103: "IDEMPOTENCY_CONFLICT",
    1104: "TOO_LARGE", 1105: "ID_TOO_OLD", 1106: "ID_FROM_FUTURE", 1107: "HELLO_REQUIRED",
    1108: "UNAUTHENTICATED", 1109: "FORBIDDEN",
    1200: "SOLD_OUT", 1201: "INSUFFICIENT", 1202: "UNKNOWN_SKU", 1203: "SKU_EXISTS", 1204: "SEVERAL_SKUS",
    1205: "CAPACITY_EXCEEDED", 1206: "WAITLIST_FULL", 1207: "CHANNEL_EXHAUSTED", 1208: "OVER_ALLOTTED", 1209: "TOO_LATE", 1210: "SKU_FROZEN",
    1300: "USER_LIMIT", 1301: "ORDER_LIMIT", 1302: "EXTEND_LIMIT", 1303: "ALREADY_WAITING",
    1304: "NOT_STARTED", 1305: "ENDED", 1306: "PAUSED", 1307: "TIER_REQUIRED", 1308: "CHANNEL_CLOSED",
    1309: "PRICE_CHANGED", 1310: "PRICE_OUT_OF_BOUNDS", 1311: "VERSION_EXISTS", 1312: "NO_SUCH_CAMPAIGN",
    1313: "PLAN_INCOMPLETE", 1314: "GROUP_LIMIT",
    1320: "BUDGET_EXHAUSTED", 1321: "UNKNOWN_BUDGET", 1322: "BUDGET_EXISTS", 1323: "BUDGET_STOPPED",
    1324: "BUDGET_IN_USE", 1325: "COUPON_INVALID", 1326: "COUPON_USED", 1327: "COUPONS_EXIST", 1328: "CLAIM_CANT_WAIT",
    1400: "NO_SUCH_ORDER", 1401: "HOLD_EXPIRED", 1402: "ALREADY_CONFIRMED", 1403: "ALREADY_CANCELLED",
    1404: "OWNER_MISMATCH", 1405: "AMOUNT_MISMATCH", 1406: "REFUND_REQUIRED", 1407: "PAYMENT_UNDER_WAY", 1408: "STILL_WAITING", 1409: "EXCEEDS_HELD", 1410: "NO_SUCH_LINE", 1411: "CAS_MISMATCH",
    1412: "ORDER_STATE", 1413: "SHIP_EXCEEDS", 1414: "CANCEL_EXCEEDS", 1415: "RETURN_EXCEEDS",
    1416: "RETURN_WINDOW", 1417: "REFUND_EXCEEDS", 1418: "NO_SUCH_PAYMENT", 1419: "REFUND_DIFFERS",
    1420: "SHORTFALL", 1421: "STALE_WATERMARK",
    1500: "BUSY", 1501: "BREAKER_OPEN", 1502: "DEADLINE_EXCEEDED", 1503: "RECOVERING", 1507: "SHUTTING_DOWN",
    1508: "RATE_LIMITED", 1509: "SHED", 1510: "BUSY_SKU",
    1600: "NO_SUCH_POSITION",
    1900: "INVARIANT_VIOLATION",
}
STATES = {0: "-", 1: "HELD", 2: "CONFIRMED", 3: "CANCELLED", 4: "EXPIRED", 5: "RESTOCKED", 6: "PAYING",
          7: "SUPERSEDED", 8: "WAITING", 9: "LAPSED"}
DURABILITY = {0: "always", 1: "interval", 2: "none"}


def _crc32c_table():
    """Section "Checksum": the reflected polynomial 0x82F63B78."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc32c_table()


def crc32c(data):
    """CRC-32C of bytes; of b"123456789" it is 0xE3069283."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def frame(kind, correlation, count, body=b"", flags=0, time=0):
    """One frame: header, checksum, body."""
    front = HEADER.pack(len(body), VERSION, kind, 0, flags, correlation, time, count)
    return front + struct.pack("<I", crc32c(front + body)) + body


def request_id(now_ms, random=None):
    """A UUID version 7: 48 bits of milliseconds, then random bits around version and variant."""
    tail = bytearray(random if random is not None else os.urandom(10))
    tail[0] = 0x70 | tail[0] & 0x0F
    tail[2] = 0x80 | tail[2] & 0x3F
    return now_ms.to_bytes(6, "big") + bytes(tail)


class ServerFault(Exception):
    """The server refused a whole frame."""


class Client:
    """One connection. Requests are sent one after another; answers are matched by their correlation number."""

    def __init__(self, host, port, name="client.py", key=None, authority=None):
        """`key` is as `doorbuster keys create` prints it, `authority` the name of a file in PEM."""
        self.socket = socket.create_connection((host, port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if authority:
            trust = ssl.create_default_context(cafile=authority)
            self.socket = trust.wrap_socket(self.socket, server_hostname=host)
        self.correlation = 0
        if key:
            self._exchange(AUTH, 1, bytes.fromhex(key.strip()[len("dbk_") :]))
        text = name.encode()
        hello = HELLO_RECORD.pack(b"DOORBSTR", VERSION, VERSION, 0, len(text)) + text
        _, body = self._exchange(HELLO, 1, hello)
        fields = WELCOME_RECORD.unpack_from(body)
        self.durability, self.now_ms = DURABILITY.get(fields[1], "?"), fields[3]
        self.max_batch, self.max_body, self.max_in_flight = fields[5:8]
        self.idempotency_window_ms, self.default_hold_ms, self.max_hold_ms = fields[8:11]
        at = WELCOME_RECORD.size
        self.server = body[at : at + fields[11]].decode()

    def close(self):
        self.socket.close()

    def _read(self, length):
        data = bytearray()
        while len(data) < length:
            more = self.socket.recv(length - len(data))
            if not more:
                raise ConnectionError("the server closed the connection")
            data += more
        return bytes(data)

    def _read_frame(self):
        header = self._read(HEADER_LEN)
        length, version, kind, _class, _flags, correlation, time, count = HEADER.unpack_from(header)
        if version != VERSION or length > MAX_BODY:
            raise ConnectionError("the server speaks another protocol")
        body = self._read(length)
        (checksum,) = struct.unpack_from("<I", header, 28)
        if crc32c(header[:28] + body) != checksum:
            raise ConnectionError("an answer was damaged on its way")
        return kind, correlation, time, count, body

    def _exchange(self, kind, count, body, flags=0, deadline_ms=0):
        self.correlation += 1
        self.socket.sendall(frame(kind, self.correlation, count, body, flags, deadline_ms))
        while True:
            answer, correlation, position, found, content = self._read_frame()
            if answer == GOODBYE:
                continue  # What was sent before it is still answered.
            if answer == ERROR:
                code, _retry_after_ms, length = FAULT_RECORD.unpack_from(content)
                text = content[FAULT_RECORD.size : FAULT_RECORD.size + length].decode()
                raise ServerFault(f"{CODES.get(code, code)}: {text}")
            if correlation == self.correlation:
                if answer != kind | 0x80 or found != count and kind != READ_STATUS:
                    raise ConnectionError("the answer does not fit the request")
                return position, content

    def _operate(self, kind, records, layout, names, flags=FIRST_ATTEMPT, deadline_ms=0):
        _, body = self._exchange(kind, len(records), b"".join(records), flags, deadline_ms)
        return [dict(zip(names, values)) for values in layout.iter_unpack(body)]

    def ping(self):
        self._exchange(PING, 0, b"")

    def put_sku(self, sku, units, user_limit=0, order_limit=0, by=0, reason=0):
        record = PUT_SKU_RECORD.pack(sku, units, user_limit, order_limit, by, reason)
        return self._operate(PUT_SKU, [record], ANSWER_RECORD, ANSWER_FIELDS)[0]

    def reserve_batch(self, wishes, flags=FIRST_ATTEMPT, deadline_ms=0):
        """Each wish is (request_id, user, sku, quantity, amount); one answer each, in the same order."""
        records = [
            RESERVE_RECORD.pack(request, user, sku, amount, 0, quantity, 0, 0, 0, 0, 0, 0)
            for request, user, sku, quantity, amount in wishes
        ]
        return self._operate(RESERVE, records, ANSWER_RECORD, ANSWER_FIELDS, flags, deadline_ms)

    def reserve(self, request, user, sku, quantity, amount, flags=FIRST_ATTEMPT):
        return self.reserve_batch([(request, user, sku, quantity, amount)], flags)[0]

    def confirm(self, order, user, payment_id, amount):
        record = CONFIRM_RECORD.pack(order, user, payment_id, amount)
        return self._operate(CONFIRM, [record], ANSWER_RECORD, ANSWER_FIELDS)[0]

    def cancel(self, order, user, reason=0):
        record = CANCEL_RECORD.pack(order, user, reason)
        return self._operate(CANCEL, [record], ANSWER_RECORD, ANSWER_FIELDS)[0]

    def read_order(self, order, user):
        record = READ_ORDER_RECORD.pack(order, user)
        return self._operate(READ_ORDER, [record], ORDER_RECORD, ORDER_FIELDS)[0]

    def read_stock(self, sku):
        return self._operate(READ_STOCK, [READ_STOCK_RECORD.pack(sku)], STOCK_RECORD, STOCK_FIELDS)[0]

    def status(self):
        _, body = self._exchange(READ_STATUS, 0, b"")
        return dict(zip(STATUS_FIELDS, STATUS_RECORD.unpack(body)))


def name(answer):
    return CODES.get(answer["code"], str(answer["code"]))


def main(arguments):
    if len(arguments) != 2 or ":" not in arguments[1]:
        print("usage: python3 client.py HOST:PORT", file=sys.stderr)
        return 2
    host, port = arguments[1].rsplit(":", 1)
    try:
        key, authority = os.environ.get("DOORBUSTER_KEY"), os.environ.get("DOORBUSTER_TLS_CA")
        client = Client(host, int(port), key=key, authority=authority)
    except (OSError, ValueError, ServerFault) as error:
        print(f"can't connect to {arguments[1]}: {error}", file=sys.stderr)
        return 1
    print(f"connected to {client.server}, durability {client.durability}, batches up to {client.max_batch}")

    sku = client.now_ms  # A number that no earlier run has used.
    answer = client.put_sku(sku, units=3, user_limit=2)
    print(f"set up a SKU of 3 units, 2 a shopper: {name(answer)}")

    wish = request_id(client.now_ms)
    first = client.reserve(wish, user=1001, sku=sku, quantity=1, amount=9900)
    print(f"reserve 1 unit for user 1001: {name(first)}, held for {(first['at'] - client.now_ms) // 1000} s")
    # A repeat must not claim to be the first attempt.
    again = client.reserve(wish, user=1001, sku=sku, quantity=1, amount=9900, flags=0)
    same = "the same order" if again["order"] == first["order"] else "ANOTHER ORDER"
    print(f"the same request again: {name(again)}, {same}")

    payment = os.urandom(16)
    answer = client.confirm(first["order"], 1001, payment, 9800)
    print(f"pay 98.00: {name(answer)}, {answer['units'] / 100:.2f} are due")
    answer = client.confirm(first["order"], 1001, payment, 9900)
    print(f"pay 99.00: {name(answer)}, now {STATES[answer['state']]}")

    batch = [(request_id(client.now_ms), user, sku, units, 0) for user, units in ((1001, 2), (1002, 2), (1003, 1))]
    limited, held, sold_out = client.reserve_batch(batch)
    print(f"reserve 2 more for user 1001: {name(limited)}, {limited['units']} left")
    print(f"reserve 2 units for user 1002: {name(held)}")
    print(f"reserve 1 unit for user 1003: {name(sold_out)}, {sold_out['units']} hold open")
    answer = client.cancel(held["order"], 1002)
    print(f"user 1002 gives it back: {name(answer)}, now {STATES[answer['state']]}")

    order = client.read_order(first["order"], 1001)
    print(f"the order of user 1001: {STATES[order['state']]}, {order['quantity']} unit, {order['amount'] / 100:.2f}")
    stock = client.read_stock(sku)
    print(f"stock: {stock['available']} available, {stock['held']} held, {stock['sold']} sold")
    status = client.status()
    print(f"server: {status['skus']} SKUs, {status['durable']} of {status['decided']} events durable")
    client.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
