//! Numbers that nobody else has.

use std::fs::File;
use std::io::Read;

/// A fresh random UUID, as in RFC 9562, version 4; `None` where the system gives no random bytes.
pub fn uuid() -> Option<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).ok()?;
    Some(write(bytes))
}

fn write(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::new();
    for (n, byte) in bytes.iter().enumerate() {
        if matches!(n, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_says_that_it_is_a_random_one() {
        assert_eq!(write([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let (one, other) = (uuid().expect("random bytes"), uuid().expect("random bytes"));
        assert!(one.len() == 36 && one != other, "{one} {other}");
    }
}
