//! MD5 (RFC 1321), for `md5Hash` of objects and nothing else.

const SHIFTS: [u32; 16] = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];

/// The digest of the bytes.
pub fn digest(bytes: &[u8]) -> [u8; 16] {
    let mut message = bytes.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend_from_slice(&(bytes.len() as u64).wrapping_mul(8).to_le_bytes());
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in message.chunks_exact(64) {
        round(&mut state, block);
    }
    let mut out = [0_u8; 16];
    for (part, word) in out.chunks_exact_mut(4).zip(state) {
        part.copy_from_slice(&word.to_le_bytes());
    }
    out
}

fn round(state: &mut [u32; 4], block: &[u8]) {
    let mut words = [0_u32; 16];
    for (word, part) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = u32::from_le_bytes([part[0], part[1], part[2], part[3]]);
    }
    let [mut a, mut b, mut c, mut d] = *state;
    for step in 0..64_usize {
        let (mixed, word) = match step / 16 {
            0 => ((b & c) | (!b & d), step),
            1 => ((d & b) | (!d & c), (5 * step + 1) % 16),
            2 => (b ^ c ^ d, (3 * step + 5) % 16),
            _ => (c ^ (b | !d), (7 * step) % 16),
        };
        let constant = (((step + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
        let sum = a.wrapping_add(mixed).wrapping_add(constant).wrapping_add(words[word]);
        let turned = sum.rotate_left(SHIFTS[(step / 16) * 4 + step % 4]);
        (a, d, c, b) = (d, c, b, b.wrapping_add(turned));
    }
    for (kept, new) in state.iter_mut().zip([a, b, c, d]) {
        *kept = kept.wrapping_add(new);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn known_digests() {
        assert_eq!(hex::encode(super::digest(b"")), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(hex::encode(super::digest(b"message digest")), "f96b697d7cb7938d525a2f31aaf161d0");
        assert_eq!(hex::encode(super::digest(&[b'x'; 200])), hex::encode(super::digest(&[b'x'; 200])));
    }
}
