//! How each server is asked for a unit.

use std::time::{SystemTime, UNIX_EPOCH};

use doorbuster_loadgen::ids::mix;

/// SKUs, drawn uniformly.
pub(crate) const SKUS: u64 = 10_000;

/// Shoppers, drawn uniformly: so many that hardly one has two units of a SKU.
pub(crate) const SHOPPERS: u64 = 10_000_000;

/// Units of each SKU: more than any run can sell.
pub(crate) const PLENTY: u64 = 1 << 32;

/// Most units a shopper may have of a SKU. It is looked at, and refuses nobody.
pub(crate) const LIMIT: u64 = 1_000_000;

/// How long a unit is held, and an answer remembered, milliseconds.
const HOLD_MS: u64 = 600_000;

/// What a server is asked, and what it says.
#[derive(Clone, Debug)]
pub(crate) enum Speech {
    /// `SALE.RESERVE`.
    Doorbuster,
    /// A script by its SHA-1.
    Redis {
        /// The script's.
        sha: String,
    },
}

impl Speech {
    /// How a reply begins that says that a unit is held.
    pub(crate) fn held(&self) -> &'static [u8] {
        match self {
            Self::Doorbuster => b"*2\r\n$2\r\nOK\r\n",
            Self::Redis { .. } => b":0\r\n",
        }
    }
}

/// Makes requests: each with another id, for a shopper and a SKU by chance.
#[derive(Debug)]
pub(crate) struct Requests {
    speech: Speech,
    made_at: u64,
    next: u64,
    words: Words,
}

impl Requests {
    /// Requests from this seed on. Two of different seeds make no id twice.
    pub(crate) fn new(speech: Speech, seed: u64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let made_at = u64::try_from(now).unwrap_or(u64::MAX);
        Self { speech, made_at, next: mix(seed), words: Words::default() }
    }

    /// Appends a request.
    pub(crate) fn put(&mut self, out: &mut Vec<u8>) {
        self.next = self.next.wrapping_add(1);
        let chance = mix(self.next);
        let (sku, shopper) = (1 + chance % SKUS, 1 + (chance >> 20) % SHOPPERS);
        // A UUID version 7, whose second half nobody else makes.
        let id = (u128::from(self.made_at) << 80) | (7 << 76) | (2 << 62) | u128::from(chance >> 2);
        let words = &mut self.words;
        words.clear();
        match &self.speech {
            Speech::Doorbuster => {
                words.text("SALE.RESERVE").number(shopper).number(sku).text("1").text("ID").id(id);
            }
            Speech::Redis { sha } => {
                words.text("EVALSHA").text(sha).text("5");
                words.named("stk:", sku).named("lim:", sku).prefixed_id("ord:", id).text("pend").text("ev");
                words.id(id).number(sku).number(shopper).text("1").number(LIMIT);
                words.number(self.made_at + HOLD_MS).number(HOLD_MS);
            }
        }
        words.put(out);
    }
}

/// The words of a command.
#[derive(Debug, Default)]
pub(crate) struct Words {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Words {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn end(&mut self) -> &mut Self {
        self.ends.push(self.bytes.len());
        self
    }

    /// A word.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes.extend_from_slice(text.as_bytes());
        self.end()
    }

    /// A number.
    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.named("", number)
    }

    fn named(&mut self, prefix: &str, number: u64) -> &mut Self {
        self.bytes.extend_from_slice(prefix.as_bytes());
        self.bytes.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        self.end()
    }

    fn id(&mut self, id: u128) -> &mut Self {
        self.prefixed_id("", id)
    }

    fn prefixed_id(&mut self, prefix: &str, id: u128) -> &mut Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.bytes.extend_from_slice(prefix.as_bytes());
        self.bytes.extend((0..32).rev().map(|digit| DIGITS[(id >> (4 * digit)) as usize & 15]));
        self.end()
    }

    /// Appends them as an array of bulk strings.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let head = |kind: u8, count: usize, out: &mut Vec<u8>| {
            out.push(kind);
            out.extend_from_slice(itoa::Buffer::new().format(count).as_bytes());
            out.extend_from_slice(b"\r\n");
        };
        head(b'*', self.ends.len(), out);
        let mut start = 0;
        for &end in &self.ends {
            head(b'$', end - start, out);
            out.extend_from_slice(&self.bytes[start..end]);
            out.extend_from_slice(b"\r\n");
            start = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(speech: Speech) -> String {
        let mut out = Vec::new();
        Requests::new(speech, 1).put(&mut out);
        String::from_utf8(out).expect("text").replace("\r\n", " ")
    }

    #[test]
    fn each_server_is_asked_in_its_words() {
        assert!(first(Speech::Doorbuster).starts_with("*6 $12 SALE.RESERVE $"));
        let redis = first(Speech::Redis { sha: "abc".to_owned() });
        assert!(redis.starts_with("*15 $7 EVALSHA $3 abc $1 5 $"), "{redis}");
        let id = |text: &str| text.split(' ').rfind(|word| word.len() == 32).map(str::to_owned);
        assert!(redis.contains(&format!("ord:{}", id(&redis).expect("an id"))), "{redis}");
    }

    #[test]
    fn no_id_comes_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in [1, 2] {
            let mut requests = Requests::new(Speech::Doorbuster, seed);
            for _ in 0..10_000 {
                let mut out = Vec::new();
                requests.put(&mut out);
                assert!(seen.insert(out[out.len() - 34..].to_vec()));
            }
        }
    }
}
