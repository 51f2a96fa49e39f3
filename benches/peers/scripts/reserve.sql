-- The same rules as in reserve.lua. The stock's row is the last that is locked: shoppers of one SKU wait for each other there.
CREATE TABLE stock (sku bigint PRIMARY KEY, available bigint NOT NULL CHECK (available >= 0)) WITH (fillfactor = 50);
CREATE TABLE shopper (sku bigint, shopper bigint, units bigint NOT NULL, PRIMARY KEY (sku, shopper));
CREATE TABLE orders (id uuid PRIMARY KEY, sku bigint NOT NULL, shopper bigint NOT NULL, units bigint NOT NULL, deadline timestamptz NOT NULL);
CREATE INDEX ON orders (deadline);
CREATE TABLE events (at bigserial PRIMARY KEY, id uuid NOT NULL, sku bigint NOT NULL, shopper bigint NOT NULL, units bigint NOT NULL);

CREATE FUNCTION reserve(an_order uuid, a_sku bigint, a_shopper bigint, some_units bigint, a_limit bigint) RETURNS int LANGUAGE plpgsql AS $$
DECLARE had bigint;
BEGIN
  INSERT INTO orders VALUES (an_order, a_sku, a_shopper, some_units, now() + interval '10 minutes') ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN 1; END IF;
  INSERT INTO shopper VALUES (a_sku, a_shopper, some_units)
    ON CONFLICT (sku, shopper) DO UPDATE SET units = shopper.units + some_units RETURNING units INTO had;
  IF had > a_limit THEN RAISE EXCEPTION 'over the limit'; END IF;
  INSERT INTO events (id, sku, shopper, units) VALUES (an_order, a_sku, a_shopper, some_units);
  UPDATE stock SET available = available - some_units WHERE sku = a_sku AND available >= some_units;
  IF NOT FOUND THEN RAISE EXCEPTION 'sold out'; END IF;
  RETURN 0;
END $$;
