//! The colours of a rig's status lines. `gt` picks them by the rig's name, so that each rig has the same ones always; without
//! them a person could not tell the sessions of rigs apart at a glance.

/// The palette, in `gt`'s order.
const PALETTE: [&str; 10] = [
    "bg=#1e3a5f,fg=#e0e0e0",
    "bg=#2d5a3d,fg=#e0e0e0",
    "bg=#8b4513,fg=#f5f5dc",
    "bg=#4a3050,fg=#e0e0e0",
    "bg=#4a5568,fg=#e0e0e0",
    "bg=#b33a00,fg=#f5f5dc",
    "bg=#1a1a2e,fg=#c0c0c0",
    "bg=#722f37,fg=#f5f5dc",
    "bg=#0d5c63,fg=#e0e0e0",
    "bg=#6d4c41,fg=#f5f5dc",
];

/// The tmux style of a rig: the name's 32-bit FNV-1a hash says which of the palette.
pub fn style_of(rig: &str) -> &'static str {
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    PALETTE[rig.bytes().fold(0x811c_9dc5, mix) as usize % PALETTE.len()]
}

#[cfg(test)]
mod tests {
    use super::style_of;

    #[test]
    fn a_rig_has_the_colours_that_gt_gives_it() {
        assert_eq!(style_of("alpha"), "bg=#722f37,fg=#f5f5dc", "as it was recorded");
        // The published value of this hash for the letter a is 0xe40c292c, and for no text at all 0x811c9dc5.
        assert_eq!(style_of("a"), super::PALETTE[0xe40c_292c % 10]);
        assert_eq!(style_of(""), super::PALETTE[0x811c_9dc5 % 10]);
    }
}
