//! Sets of variants: what a receive can take.

use crate::base::{Protocol, Variant};

/// The variants that a receive block can take, by name. `receive!` implements it for each block.
pub trait Want {
    /// The names, or `None` for a block with an arm that takes any message.
    const NAMES: Option<&'static [&'static str]>;
}

/// A set of variants, one bit each. Variants beyond the 63rd share the last bit, which is correct but slower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mask(pub(crate) u64);

impl Mask {
    pub(crate) const ALL: Mask = Mask(u64::MAX);
    pub(crate) const LANES: usize = 64;

    /// Returns the set of `names` among `variants`, or all variants if one of the names is not a variant's (a constant,
    /// an alias).
    pub(crate) const fn of(names: Option<&[&str]>, variants: &[Variant]) -> Mask {
        let Some(names) = names else { return Mask::ALL };
        let mut mask = 0;
        let mut n = 0;
        while n < names.len() {
            let mut found = false;
            let mut v = 0;
            while v < variants.len() {
                if equal(names[n], variants[v].name) {
                    mask |= 1 << Mask::lane(v);
                    found = true;
                }
                v += 1;
            }
            if !found {
                return Mask::ALL;
            }
            n += 1;
        }
        Mask(mask)
    }

    /// Returns the `#[priority]` variants.
    pub(crate) const fn priority<M: Protocol>() -> Mask {
        const {
            let mut mask = 0;
            let mut v = 0;
            while v < M::VARIANTS.len() {
                if M::VARIANTS[v].priority {
                    mask |= 1 << Mask::lane(v);
                }
                v += 1;
            }
            Mask(mask)
        }
    }

    /// Returns the variants that carry a reply.
    pub(crate) const fn calls<M: Protocol>() -> Mask {
        const {
            let mut mask = 0;
            let mut v = 0;
            while v < M::VARIANTS.len() {
                if M::VARIANTS[v].call {
                    mask |= 1 << Mask::lane(v);
                }
                v += 1;
            }
            Mask(mask)
        }
    }

    /// Returns the bit of a variant, which is also its lane in the save queue.
    pub(crate) const fn lane(variant: usize) -> usize {
        if variant < Mask::LANES { variant } else { Mask::LANES - 1 }
    }

    pub(crate) const fn contains(self, lane: usize) -> bool {
        self.0 & (1 << lane) != 0
    }
}

const fn equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn variant(name: &'static str) -> Variant {
        Variant { name, call: false, system: false, priority: false }
    }

    #[test]
    fn a_mask_has_the_named_variants_or_all() {
        const VARIANTS: &[Variant] = &[variant("Order"), variant("Cancel"), variant("Down")];
        let check = |names: &[&str]| Mask::of(Some(names), VARIANTS);
        assert_eq!(check(&["Order"]), Mask(0b001));
        assert_eq!(check(&["Down", "Order"]), Mask(0b101));
        assert_eq!(check(&[]), Mask(0));
        assert_eq!(check(&["Order", "URGENT"]), Mask::ALL);
        assert_eq!(Mask::of(None, VARIANTS), Mask::ALL);
        assert_eq!(Mask::lane(200), 63);
    }
}
