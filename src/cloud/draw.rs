//! Drawing the content of generated secrets, at the moment they are sent.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand::distr::{Alphanumeric, SampleString};
use rand::rngs::OsRng;
use rand::{TryRngCore, rng};
use serde_json::{Value, json};

use crate::resources::Recipe;
use crate::spec::types::Sensitive;

/// Draws content, every character as likely as every other.
pub fn draw(recipe: Recipe) -> Sensitive {
    match recipe {
        Recipe::Alphanumeric(length) => Sensitive::new(Alphanumeric.sample_string(&mut rng(), length)),
        Recipe::Base64Url(length) => {
            let mut bytes = vec![0; length];
            // The system's source does not fail on any system we run on; the thread's is seeded from it.
            if OsRng.try_fill_bytes(&mut bytes).is_err() {
                rand::RngCore::fill_bytes(&mut rng(), &mut bytes);
            }
            Sensitive::new(URL_SAFE_NO_PAD.encode(bytes))
        }
    }
}

/// The body of `secretmanager.projects.secrets.addVersion` for this content, with its checksum.
pub fn add_version(content: &Sensitive) -> Value {
    let bytes = content.reveal().as_bytes();
    let checksum = crc32c::crc32c(bytes).to_string();
    json!({"payload": {"data": STANDARD.encode(bytes), "dataCrc32c": checksum}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_has_the_length_and_the_alphabet_of_its_recipe() {
        let text = draw(Recipe::Alphanumeric(4096));
        assert_eq!(text.reveal().len(), 4096);
        let mut seen: Vec<char> = text.reveal().chars().collect();
        seen.sort_unstable();
        seen.dedup();
        assert!(seen.iter().all(char::is_ascii_alphanumeric));
        assert_eq!(seen.len(), 62, "in so many characters each of the alphabet turns up");
        assert_eq!(URL_SAFE_NO_PAD.decode(draw(Recipe::Base64Url(42)).reveal()).unwrap().len(), 42);
        assert!(draw(Recipe::Alphanumeric(32)) != draw(Recipe::Alphanumeric(32)));
    }

    #[test]
    fn the_checksum_is_castagnolis_over_the_content_as_decimal_text() {
        let body = add_version(&Sensitive::new("123456789"));
        assert_eq!(body, json!({"payload": {"data": "MTIzNDU2Nzg5", "dataCrc32c": "3808858755"}}));
    }
}
