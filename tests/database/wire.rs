//! As much of PostgreSQL's protocol as it takes to log in with a password and to say something: a login costs a
//! fraction of a process start, so that there can be hundreds a second.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// PostgreSQL 3.0.
const PROTOCOL: u32 = 196_608;

/// A session.
pub struct Session {
    stream: TcpStream,
}

impl Session {
    /// Logs in; the error is the server's.
    pub fn log_in(port: u16, role: &str, password: &str, database: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut session = Self { stream };
        let parameters = format!("user\0{role}\0database\0{database}\0\0");
        let mut startup = (u32::try_from(parameters.len()).unwrap() + 8).to_be_bytes().to_vec();
        startup.extend(PROTOCOL.to_be_bytes());
        startup.extend(parameters.as_bytes());
        session.stream.write_all(&startup)?;
        session.authenticate(password)?;
        while session.receive()?.0 != b'Z' {}
        Ok(session)
    }

    /// Runs SQL and answers the first field of the last row.
    pub fn ask(&mut self, sql: &str) -> io::Result<String> {
        self.send(b'Q', format!("{sql}\0").as_bytes())?;
        let mut answer = String::new();
        loop {
            match self.receive()? {
                (b'Z', _) => return Ok(answer),
                (b'D', row) => {
                    answer = String::from_utf8_lossy(row.get(6..).unwrap_or_default()).into_owned()
                }
                _ => {}
            }
        }
    }

    /// SCRAM-SHA-256 (RFC 5802), as Cloud SQL asks for it.
    fn authenticate(&mut self, password: &str) -> io::Result<()> {
        static NONCES: AtomicU64 = AtomicU64::new(0);
        assert_eq!(self.challenge()?.0, 10, "the server asks for SCRAM");
        let bare = format!("n=,r=client{}", NONCES.fetch_add(1, Ordering::Relaxed));
        let first = format!("n,,{bare}");
        let mut message = b"SCRAM-SHA-256\0".to_vec();
        message.extend(u32::try_from(first.len()).unwrap().to_be_bytes());
        message.extend(first.as_bytes());
        self.send(b'p', &message)?;
        let server_first = String::from_utf8(self.challenge()?.1).expect("text");
        let part = |name: &str| server_first.split(',').find_map(|part| part.strip_prefix(name)).expect(name);
        let salted = salted(password, part("s="), part("i=").parse().expect("a number"));
        let unsigned = format!("c=biws,r={}", part("r="));
        let client_key = sign(&salted, b"Client Key");
        let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
        let signature = sign(stored_key.as_ref(), format!("{bare},{server_first},{unsigned}").as_bytes());
        let both = client_key.as_ref().iter().zip(signature.as_ref());
        let proof: Vec<u8> = both.map(|(left, right)| left ^ right).collect();
        self.send(b'p', format!("{unsigned},p={}", STANDARD.encode(proof)).as_bytes())?;
        while self.challenge()?.0 != 0 {}
        Ok(())
    }

    /// An authentication message: its number and the rest.
    fn challenge(&mut self) -> io::Result<(u32, Vec<u8>)> {
        let (kind, body) = self.receive()?;
        assert_eq!(kind, b'R', "about authentication");
        Ok((u32::from_be_bytes(body[..4].try_into().unwrap()), body[4..].to_vec()))
    }

    fn send(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        let mut message = vec![kind];
        message.extend((u32::try_from(body.len()).unwrap() + 4).to_be_bytes());
        message.extend(body);
        self.stream.write_all(&message)
    }

    fn receive(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize;
        let mut body = vec![0; length - 4];
        self.stream.read_exact(&mut body)?;
        if head[0] == b'E' {
            let text = String::from_utf8_lossy(&body).replace('\0', " ");
            return Err(io::Error::other(text));
        }
        Ok((head[0], body))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.send(b'X', b"");
    }
}

/// The slow part, once for each password and salt.
fn salted(password: &str, salt: &str, rounds: NonZeroU32) -> [u8; 32] {
    static KNOWN: LazyLock<Mutex<HashMap<String, [u8; 32]>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().expect("the lock");
    *known.entry(format!("{salt} {password}")).or_insert_with(|| {
        let salt = STANDARD.decode(salt).expect("base64");
        let mut key = [0; 32];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, password.as_bytes(), &mut key);
        key
    })
}

fn sign(key: &[u8], message: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message)
}
