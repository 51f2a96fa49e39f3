//! A purchase of several lines: what was asked for, and what of it was given back or paid.

use std::collections::BTreeMap;

/// One line, as it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasketLine {
    /// The SKU, from 0.
    pub sku: u32,
    /// Units.
    pub units: u32,
    /// They are given for nothing.
    pub gift: bool,
}

/// All lines of one SKU together: the server sums them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summed {
    /// The SKU, from 0.
    pub sku: u32,
    /// Units.
    pub units: u32,
    /// How many of them are given for nothing.
    pub gifts: u32,
}

/// What a purchase of several lines asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Basket {
    /// In the order in which they are sent; a SKU may come twice.
    pub lines: Vec<BasketLine>,
    /// A part of it was to be given back.
    pub cuts: bool,
    /// Answer to that; 0: none came.
    pub cut: u16,
    /// The purchase whose hold it was to replace: its index and 1; 0: none.
    pub instead_of: u32,
    /// The purchase that was to replace its hold: its index and 1; 0: none.
    pub replaced_by: u32,
}

impl Basket {
    /// One entry a SKU, in ascending order.
    pub fn summed(&self) -> Vec<Summed> {
        let mut sums = BTreeMap::new();
        for line in &self.lines {
            let (units, gifts) = sums.entry(line.sku).or_insert((0, 0));
            *units += line.units;
            *gifts += if line.gift { line.units } else { 0 };
        }
        sums.into_iter().map(|(sku, (units, gifts))| Summed { sku, units, gifts }).collect()
    }

    /// Whether the order says it line by line: it has several SKUs, or a gift.
    pub fn has_several_lines(&self) -> bool {
        let summed = self.summed();
        summed.len() > 1 || summed.iter().any(|line| line.gifts > 0)
    }

    /// Units of all lines.
    pub fn units(&self) -> u32 {
        self.lines.iter().map(|line| line.units).sum()
    }

    /// What is left of the last SKU when a shopper thinks better of one unit of it: SKU and units. None if it is all that
    /// there is.
    pub fn cut_to(&self) -> Option<(u32, u32)> {
        let last = *self.summed().last()?;
        (self.units() > 1).then_some((last.sku, last.units - 1))
    }

    /// SKUs and units that a shopper pays who doesn't want all: everything but the last SKU, or of one SKU all but a unit.
    /// None if that is nothing.
    pub fn part(&self) -> Option<Vec<(u32, u32)>> {
        let mut part: Vec<(u32, u32)> = self.summed().iter().map(|line| (line.sku, line.units)).collect();
        if let [(_, units)] = part.as_mut_slice() {
            *units -= 1;
        } else {
            part.pop();
        }
        part.iter().any(|(_, units)| *units > 0).then_some(part)
    }

    /// Units of each SKU, once the last one was cut, or only a part paid.
    pub fn units_left(&self, cut: bool, part: bool) -> Vec<u32> {
        let (cut, part) = (self.cut_to().filter(|_| cut), self.part().filter(|_| part));
        let left = |line: Summed| match (&part, cut) {
            (Some(part), _) => part.iter().find(|(sku, _)| *sku == line.sku).map_or(0, |(_, units)| *units),
            (None, Some((sku, units))) if sku == line.sku => units,
            (None, _) => line.units,
        };
        self.summed().into_iter().map(left).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basket(lines: &[(u32, u32, bool)]) -> Basket {
        let lines = lines.iter().map(|&(sku, units, gift)| BasketLine { sku, units, gift });
        Basket { lines: lines.collect(), ..Basket::default() }
    }

    #[test]
    fn lines_of_one_sku_are_one_and_stand_in_order() {
        let basket = basket(&[(7, 1, false), (3, 2, false), (7, 2, true)]);
        let sum = |sku, units, gifts| Summed { sku, units, gifts };
        assert_eq!(basket.summed(), [sum(3, 2, 0), sum(7, 3, 2)]);
        assert_eq!((basket.cut_to(), basket.part()), (Some((7, 2)), Some(vec![(3, 2)])));
        assert_eq!([basket.units_left(false, false), basket.units_left(true, false)], [[2, 3], [2, 2]]);
        assert_eq!(basket.units_left(false, true), [2, 0]);
    }

    #[test]
    fn a_single_unit_has_no_part() {
        let one = basket(&[(7, 1, false)]);
        assert_eq!((one.cut_to(), one.part(), one.has_several_lines()), (None, None, false));
        assert!(basket(&[(7, 1, true)]).has_several_lines());
        assert_eq!(basket(&[(7, 2, false)]).part(), Some(vec![(7, 1)]));
    }
}
