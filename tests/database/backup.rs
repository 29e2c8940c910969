//! Backups, restores, trials and imports on a real PostgreSQL: the very containers of the Jobs, both sides of each, with
//! a directory in the place of the buckets.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::bench::Bench;

const SLOT: &str = "20261126T020000Z";

/// What Dify would have: text with everything in it that a dump could stumble over, vectors with an index, comments.
const CONTENT: &str = r#"
CREATE TABLE documents (id uuid PRIMARY KEY DEFAULT uuid_generate_v4(), body text, at vector(3));
COMMENT ON TABLE documents IS 'what was ''uploaded''';
INSERT INTO documents (body, at) SELECT E'line one\nCOMMIT;\n\\! echo no\t$$ ''x' || n, ARRAY[n, n % 7, 1]::vector
  FROM generate_series(1, 500) AS n;
CREATE INDEX nearest ON documents USING hnsw (at vector_l2_ops);
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
  -- it's "fine" \d
  NEW.body := NEW.body || E'\\';
  RETURN NEW;
END;
$f$;
CREATE TRIGGER touch BEFORE UPDATE ON documents FOR EACH ROW EXECUTE FUNCTION touched();
CREATE TABLE alembic_version (version_num varchar(32));
INSERT INTO alembic_version VALUES ('0123abcd');
"#;

#[test]
fn a_backup_is_complete_only_with_all_its_parts_and_comes_back_as_it_was() {
    let Some(mut bench) = Bench::new("backup") else { return };
    bench.sql(CONTENT);
    bench.sql_in_plugins("CREATE TABLE installed (id int); INSERT INTO installed VALUES (1), (2)");
    let (schema, rows) = (bench.schema(), bench.rows());

    bench.order("backup", "", "2026-11-26T02:00:00Z");
    bench.begin();
    bench.run(&["-plugins", "-storage", "-plugin"]);
    assert!(bench.manifest().is_err(), "a database is missing");
    bench.run(&["-application", "-share"]);
    let manifest = bench.manifest().expect("every part is there");
    let part = |name: &str| {
        let parts = manifest["parts"].as_array().expect("parts").iter();
        parts.clone().find(|part| part["name"] == name).unwrap_or_else(|| panic!("no {name}")).clone()
    };
    assert_eq!(part("application.dump")["rows"], "501");
    assert_eq!(part("application.dump")["schema"], "0123abcd");
    assert_eq!(part("plugins.dump")["rows"], "2");
    assert_eq!(part("storage.list")["objects"], "1", "the keys of credentials are copied");
    assert!(bench.stored("copies/demo/20261126T020000Z/storage/privkeys/t/private.pem").is_some());
    assert!(part("application.dump")["extensions"].as_str().is_some_and(|all| all.contains("vector:")));
    bench.finish(&manifest);

    // Somebody makes a mess of it, with objects that the backup knows nothing of.
    bench.sql("DELETE FROM documents WHERE body LIKE '%7'; CREATE TABLE later (at vector(2)); DROP TABLE alembic_version");
    bench.forget("buckets/storage/privkeys/t/private.pem");
    bench.order("restore", SLOT, "2026-11-26T09:00:00Z");
    bench.safe("20261126T090000Z");
    bench.run(&["-application", "-plugins", "-storage", "-plugin", "-share"]);
    assert_eq!(bench.schema(), schema);
    assert_eq!(bench.rows(), rows);
    assert!(bench.kept_in_bucket("storage/privkeys/t/private.pem"));
    let nearest = bench.sql("SELECT at FROM documents ORDER BY at <-> '[3,3,1]' LIMIT 1");
    assert_eq!(nearest, "[3,3,1]");
}

#[test]
fn a_trial_finds_the_rows_of_the_backup_and_leaves_nothing_behind() {
    let Some(mut bench) = Bench::new("trial") else { return };
    bench.sql(CONTENT);
    bench.complete(SLOT);
    // The trial compares with the backup, not with what is there now.
    bench.sql("DELETE FROM documents");
    let scratch = bench.targets();
    assert_eq!((scratch.len(), bench.existing(&scratch)), (2, 0));
    bench.run(&["-application", "-plugins"]);
    let seconds = bench.metadata(&format!("demo/{SLOT}/application.dump.verified"), "seconds");
    assert!(seconds.is_some_and(|seconds| seconds.parse::<u64>().is_ok()));
    assert_eq!(bench.existing(&scratch), 0, "the scratch databases are gone");
    bench.look();
    assert!(bench.jobs().is_empty(), "{:?}", bench.jobs());
}

#[test]
fn a_trial_notices_rows_that_are_missing_and_content_that_is_damaged() {
    let Some(mut bench) = Bench::new("damage") else { return };
    bench.sql(CONTENT);
    bench.complete(SLOT);
    let scratch = bench.targets();
    let said = bench.fails_with("-application", &[("ROWS", "502")]);
    assert!(said.contains("rows is 501 after the trial, and was 502"), "{said}");
    assert!(bench.metadata(&format!("demo/{SLOT}/application.dump.verified"), "seconds").is_none());
    let name = format!("store/demo/{SLOT}/application.dump");
    let mut content = fs::read(bench.path(&name)).expect("a dump");
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(bench.path(&name), content).expect("it is damaged");
    let said = bench.fails("-application");
    assert!(said.contains("it is damaged"), "{said}");
    assert_eq!((scratch.len(), bench.existing(&scratch)), (2, 0));
}

#[test]
fn a_dump_that_breaks_off_never_counts_as_a_part() {
    let Some(mut bench) = Bench::new("broken") else { return };
    bench.sql(CONTENT);
    bench.order("backup", "", "2026-11-26T02:00:00Z");
    bench.begin();
    let dies = "#!/bin/sh\n/usr/lib/postgresql/15/bin/pg_dump \"$@\" | head -c 3000\nexit 1\n";
    bench.program("pg_dump", dies);
    bench.fails("-application");
    assert!(bench.stored(&format!("demo/{SLOT}/application.dump")).is_some(), "some of it was uploaded");
    assert!(bench.stored(&format!("demo/{SLOT}/application.dump.ok")).is_none(), "and it has no mark");
    bench.look();
    assert!(bench.manifest().is_err());
    fs::remove_file(bench.path("bin/pg_dump")).expect("the program is back");
    bench.run(&["-application", "-plugins", "-storage", "-plugin", "-share"]);
    assert!(bench.manifest().is_ok(), "the next attempt writes over it");
}

#[test]
fn an_upload_that_fails_fails_the_job() {
    let Some(mut bench) = Bench::new("upload") else { return };
    bench.sql(CONTENT);
    bench.order("backup", "", "2026-11-26T02:00:00Z");
    bench.begin();
    bench.program("gcloud", "#!/bin/sh\nhead -c 100 >/dev/null\necho 'ERROR: 403' >&2\nexit 1\n");
    let said = bench.fails("-application");
    assert!(said.contains("403"), "{said}");
}

#[test]
fn what_is_left_of_an_old_backup_is_swept_away() {
    let Some(mut bench) = Bench::new("sweep") else { return };
    bench.complete(SLOT);
    let newer = "20261226T020000Z";
    bench.copy_slot(SLOT, newer);
    bench.forget(&format!("store/demo/{SLOT}/manifest.json"));
    bench.age_everything();
    bench.look();
    bench.run(&["-sweep-"]);
    let left: BTreeSet<String> = bench.names().into_iter().filter(|name| name.contains(SLOT)).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(bench.names().iter().any(|name| name.contains(newer)), "another backup stays");
}

#[test]
fn a_file_of_each_format_is_imported_in_place_of_what_was_there() {
    let Some(mut bench) = Bench::new("import") else { return };
    bench.sql(CONTENT);
    let (schema, rows) = (bench.schema(), bench.rows());
    let plain = bench.dumped(&[]);
    let custom = bench.dumped(&["-Fc"]);
    let inserts = bench.dumped(&["--inserts"]);
    let files = [
        ("a.sql", "sql", plain.clone()),
        ("inserts.sql", "sql", inserts),
        ("a.sql.gz", "gz", packed("gzip -c", &plain)),
        ("a.tar", "tar", packed(&tar("cf"), &plain)),
        ("a.tar.gz", "tar.gz", packed(&tar("czf"), &plain)),
        ("a.tgz", "tgz", packed(&tar("czf"), &custom)),
        ("a.zip", "zip", packed(ZIP, &plain)),
        ("b", "auto", plain.clone()),
        ("c", "auto", packed("gzip -c", &plain)),
        ("d", "auto", packed(&tar("cf"), &plain)),
        ("e", "auto", packed(&tar("czf"), &custom)),
        ("f", "auto", packed(ZIP, &custom)),
        ("g", "auto", custom),
    ];
    for (name, format, content) in files {
        bench.sql("DROP TABLE documents; CREATE TABLE documents (id int); CREATE TABLE left_over (id int)");
        bench.put(name, &content);
        bench.import(name, format);
        bench.run(&["-i-"]);
        assert_eq!(bench.schema(), schema, "{name} as {format}");
        assert_eq!(bench.rows(), rows, "{name} as {format}");
    }
}

#[test]
fn an_import_that_goes_wrong_stops_at_the_first_error_and_changes_nothing() {
    let Some(mut bench) = Bench::new("wrong") else { return };
    bench.sql(CONTENT);
    let (schema, rows) = (bench.schema(), bench.rows());
    let plain = String::from_utf8(bench.dumped(&[])).expect("text");
    let cut = plain.len() * 2 / 3;
    let gz = packed("gzip -c", plain.as_bytes());
    let custom = bench.dumped(&["-Fc"]);
    for (name, content, expected) in [
        (
            "error",
            "CREATE TABLE fine (id int);\nSELECT 1/0;\nCREATE TABLE never (id int);\n".as_bytes(),
            "division by zero",
        ),
        ("ends", b"CREATE TABLE fine (id int);\nROLLBACK;\n", "it would end the transaction"),
        ("order", b"SELECT 1;\n\\! touch /tmp/never\n", "an order to psql"),
        ("other", b"SELECT 1 \\g |touch\n", "an order to psql"),
        ("connect", b"\\connect postgres\nCREATE TABLE x (i int);\n", "an order to psql"),
        ("cut", &plain.as_bytes()[..cut], "breaks off"),
        ("cut.gz", &gz[..gz.len() - 40], "breaks off"),
        ("cut.dump", &custom[..custom.len() - 400], "end of file"),
        ("empty", b"", "empty"),
        ("noise.zip", b"PK\x03\x04", "breaks off"),
        ("admin", b"CREATE ROLE somebody;\n", "permission denied"),
    ] {
        bench.put(name, content);
        bench.import(name, "auto");
        let said = bench.fails("-i-");
        assert!(said.contains(expected), "{name}: {said}");
        assert_eq!(bench.schema(), schema, "{name}");
        assert_eq!(bench.rows(), rows, "{name}");
    }
    bench.put("a.sql", &gz);
    bench.import("a.sql", "sql");
    let said = bench.fails("-i-");
    assert!(said.contains("the file is gz, and backup_format says sql"), "{said}");
}

#[test]
fn no_password_is_said_or_on_a_command_line() {
    let Some(mut bench) = Bench::new("quiet") else { return };
    bench.complete(SLOT);
    for program in ["psql", "pg_dump", "pg_restore"] {
        let script = format!(
            "#!/bin/sh\necho \"{program} $*\" >>'{}'\nexec /usr/lib/postgresql/15/bin/{program} \"$@\"\n",
            bench.path("lines").display()
        );
        bench.program(program, &script);
    }
    // `run` itself sees to it that nothing that is said has a password in it.
    bench.run(&["-application", "-plugins"]);
    let lines = fs::read_to_string(bench.path("lines")).expect("command lines");
    assert!(lines.contains("CREATE DATABASE") && !bench.has_secret(&lines), "{lines}");
}

#[test]
fn an_archive_with_a_dump_of_each_database_fills_both() {
    let Some(mut bench) = Bench::new("both") else { return };
    bench.sql(CONTENT);
    bench.sql_in_plugins("CREATE TABLE installed (id int); INSERT INTO installed VALUES (1), (2)");
    let (schema, rows) = (bench.schema(), bench.rows());
    let plugins = String::from_utf8(bench.dumped_plugins()).expect("text");
    // Told apart by name, whichever comes first.
    let pack = format!("mkdir x && cat >x/dify.sql && cat >x/a_plugin.sql <<'END'\n{plugins}\nEND\n");
    let plain = bench.dumped(&[]);
    let files = [
        (
            "both.tgz",
            "tgz",
            packed(&format!("{pack}tar czf /dev/stdout -C x ./a_plugin.sql ./dify.sql"), &plain),
        ),
        ("both.zip", "auto", packed(&format!("{pack}python3 -c \"{ZIP_BOTH}\""), &plain)),
    ];
    let count = "SELECT count(*) FROM installed";
    for (name, format, content) in files {
        bench.sql("DROP TABLE documents");
        bench.sql_in_plugins("INSERT INTO installed VALUES (3)");
        bench.put(name, &content);
        bench.import(name, format);
        bench.run(&["-i-", "-plugins"]);
        assert_eq!((bench.schema(), bench.rows()), (schema.clone(), rows.clone()), "{name}");
        assert_eq!(bench.sql_in_plugins(count), "2", "{name}");
    }

    bench.sql_in_plugins("INSERT INTO installed VALUES (3)");
    for (name, content) in [("one.tar", packed(&tar("cf"), &plain)), ("plain", plain)] {
        bench.put(name, &content);
        bench.import(name, "auto");
        bench.run(&["-i-"]);
        let (good, said) = bench.outcome("-plugins", &[]);
        assert!(good && said.contains("nothing of the plugin daemon's database"), "{said}");
        assert_eq!(bench.sql_in_plugins(count), "3", "{name}: it is left as it is");
    }
    let alone = packed("mkdir x && cat >x/plugin.sql && tar cf /dev/stdout -C x .", plugins.as_bytes());
    bench.put("alone.tar", &alone);
    bench.import("alone.tar", "tar");
    assert!(bench.fails("-i-").contains("no dump of Dify's own database"));
    assert_eq!(bench.rows(), rows);
}

fn tar(flags: &str) -> String {
    format!(
        "mkdir -p x/sub && cat >x/sub/database.sql && echo no >x/readme && tar {flags} /dev/stdout -C x ."
    )
}

/// Written to a pipe, so that sizes come after the content as they do for files that are packed as a stream.
const ZIP: &str = "cat >x.sql && python3 -c \"
import sys, zipfile
class Pipe:
    def write(self, data): return sys.stdout.buffer.write(data)
    def flush(self): pass
with zipfile.ZipFile(Pipe(), 'w', zipfile.ZIP_DEFLATED) as made:
    made.writestr('readme.txt', 'no')
    made.write('x.sql', 'dump/database.sql')
\"";

/// A zip of `x/a_plugin.sql` and `x/dify.sql`.
const ZIP_BOTH: &str = "
import io, sys, zipfile
made = io.BytesIO()
with zipfile.ZipFile(made, 'w', zipfile.ZIP_DEFLATED) as file:
    file.write('x/a_plugin.sql')
    file.write('x/dify.sql')
sys.stdout.buffer.write(made.getvalue())
";

pub fn packed(command: &str, content: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a directory");
    let mut child = Command::new("/bin/bash")
        .args(["-c", &format!("set -e; {command}")])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let (mut stdin, content) = (child.stdin.take().expect("a pipe"), content.to_vec());
    let writer = std::thread::spawn(move || stdin.write_all(&content));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("it is written").expect("it is written");
    assert!(output.status.success());
    output.stdout
}
