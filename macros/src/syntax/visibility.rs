//! Visibilities.

use syn::Visibility;

/// Returns how far a visibility reaches, from 0 for a private item to 3 for a public one.
pub(crate) fn reach(vis: &Visibility) -> u8 {
    match vis {
        Visibility::Public(_) => 3,
        Visibility::Restricted(restricted) if restricted.path.is_ident("crate") => 2,
        Visibility::Restricted(restricted) if !restricted.path.is_ident("self") => 1,
        _ => 0,
    }
}
