//! An import from Google Drive: the Job's own script against a stand-in of the metadata server and of Drive's API v3, as
//! the discovery document has it: `GET drive/v3/files/{fileId}?alt=media&supportsAllDrives=true`.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::backup::packed;
use crate::bench::Bench;

const TOKEN: &str = "ya29.of-the-pod";
const FILE: &str = "1AbC_d-9";

/// Metadata server and Drive on one port. It lives as long as the test.
struct Drive {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Drive {
    /// One with a file, of which it sends so many bytes and says that it is so long.
    fn with(content: Vec<u8>, sends: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = answer(stream, &content, sends, &log);
            }
        });
        Self { address, asked }
    }

    fn variables(&self) -> [(&'static str, String); 2] {
        [("DRIVE_API", format!("http://{}", self.address)), ("GCE_METADATA_HOST", self.address.clone())]
    }

    fn import(&self, bench: &mut Bench, file: &str) -> (bool, String) {
        bench.import_from("gdrive", file, "auto");
        let variables = self.variables();
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, &**value)).collect();
        bench.outcome("-i-", &variables)
    }
}

fn answer(stream: TcpStream, content: &[u8], sends: usize, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    let headers: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let has = |header: &str| headers.iter().any(|line| line.eq_ignore_ascii_case(header));
    let target = request.split(' ').nth(1).unwrap_or_default().to_owned();
    log.lock().expect("the log").push(request);
    let scope = "https://www.googleapis.com/auth/drive.readonly";
    let token = format!("/computeMetadata/v1/instance/service-accounts/default/token?scopes={scope}");
    let file = format!("/drive/v3/files/{FILE}?alt=media&supportsAllDrives=true");
    let error = |code: u16, message: &str| {
        let body = format!(r#"{{"error": {{"code": {code}, "message": "{message}"}}}}"#);
        (format!("{code} Error"), body.len(), body.into_bytes())
    };
    let (status, length, body) = if target == token && has("Metadata-Flavor: Google") {
        let body = format!(r#"{{"access_token": "{TOKEN}", "expires_in": 3599, "token_type": "Bearer"}}"#);
        ("200 OK".to_owned(), body.len(), body.into_bytes())
    } else if !has(&format!("Authorization: Bearer {TOKEN}")) {
        error(401, "Request is missing required authentication credential.")
    } else if target == file {
        ("200 OK".to_owned(), content.len(), content[..sends.min(content.len())].to_vec())
    } else {
        error(404, "File not found: other.")
    };
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(&body)
}

const CONTENT: &str = "CREATE TABLE documents (id int PRIMARY KEY, body text, at vector(2));
INSERT INTO documents SELECT n, 'x' || n, ARRAY[n, 1]::vector FROM generate_series(1, 2000) AS n;";

#[test]
fn a_file_of_drive_is_imported_with_the_pods_own_token() {
    let Some(mut bench) = Bench::new("drive") else { return };
    bench.sql(CONTENT);
    let rows = bench.rows();
    let drive = Drive::with(packed("gzip -c", &bench.dumped(&[])), usize::MAX);
    bench.sql("DELETE FROM documents WHERE id % 2 = 0");
    let (good, said) = drive.import(&mut bench, FILE);
    assert!(good, "{said}");
    assert_eq!(bench.rows(), rows);
    assert!(!said.contains(TOKEN));
    assert_eq!(drive.asked.lock().expect("the log").len(), 2, "a token and the file");
}

#[test]
fn what_drive_refuses_or_does_not_send_whole_changes_nothing() {
    let Some(mut bench) = Bench::new("driveno") else { return };
    bench.sql(CONTENT);
    let rows = bench.rows();
    let content = bench.dumped(&[]);
    let half = Drive::with(content.clone(), content.len() / 2);
    let (good, said) = half.import(&mut bench, FILE);
    assert!(!good && said.contains(&format!("of {} bytes came", content.len())), "{said}");
    assert_eq!(bench.rows(), rows);

    let (good, said) = Drive::with(content, usize::MAX).import(&mut bench, "other");
    assert!(!good && said.contains("answers 404: File not found: other."), "{said}");
    assert_eq!(bench.rows(), rows);
}
