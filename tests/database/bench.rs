//! A deployment with its backup Jobs, a directory in the place of its buckets, and programs in the place of pods.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use dify_reconciler::backup::{self, Shelf, Slot, manifest};
use dify_reconciler::inventory::Sighting;
use dify_reconciler::resources::google::{Kind as GoogleKind, bucket};
use dify_reconciler::resources::kubernetes::Kind;
use dify_reconciler::resources::{Desired, Kind as AnyKind, ResourceId, Wait};
use dify_reconciler::spec::Spec;
use dify_reconciler::state::orders::Request;
use serde_json::{Value, json};

use crate::fixture::{SECRET, World};
use crate::server::Deployment;

/// Where Debian puts the client of PostgreSQL 15.
const CLIENT: &str = "/usr/lib/postgresql/15/bin";

/// Just enough of gcloud: objects are files below `$STORE`, metadata is beside them.
const GCLOUD: &str = r#"#!/bin/bash
set -euo pipefail
[ "$1" = storage ]; verb=$2; shift 2
[ "$verb" = objects ] && { verb="objects $1"; shift; }
meta=; plain=()
for word in "$@"; do
  case "$word" in
    --custom-metadata=*) meta=${word#*=} ;;
    --*) ;;
    *) plain+=("$word") ;;
  esac
done
place() {
  case "$1" in
    "gs://$BUCKET/"*) echo "$STORE/store/${1#gs://$BUCKET/}" ;;
    "gs://$BUCKET") echo "$STORE/store" ;;
    *) rest=${1#gs://}; name=${rest%%/*}; echo "$STORE/buckets/${name##*-}${rest#"$name"}" ;;
  esac
}
under() { find "$(place "${1%/\*\*}")" -type f ! -name '*.meta' 2>/dev/null | sort; }
case "$verb" in
  cp)
    [ "${plain[0]}" = - ]; to=$(place "${plain[1]}"); mkdir -p "$(dirname "$to")"
    cat >"$to"; if [ -n "$meta" ]; then echo "$meta" >"$to.meta"; fi ;;
  cat) cat "$(place "${plain[0]}")" ;;
  ls) found=$(under "${plain[0]}"); [ -n "$found" ] || { echo 'ERROR: One or more URLs matched no objects.' >&2; exit 1; }
    echo "$found" | sed "s|^$STORE/store|gs://$BUCKET|" ;;
  "objects list") found=$(under "${plain[0]}"); [ -n "$found" ] || { echo 'ERROR: One or more URLs matched no objects.' >&2; exit 1; }
    echo "$found" ;;
  rsync) from=$(place "${plain[0]}"); to=$(place "${plain[1]}")
    case "${plain[0]}" in "gs://$BUCKET/"*) [ -n "$(find "$from" -type f 2>/dev/null)" ] ||
      { echo "ERROR: Did not find existing container at: ${plain[0]}" >&2; exit 1; } ;; esac
    mkdir -p "$from" "$to"; cp -r "$from/." "$to/" ;;
  rm) found=$(case "${plain[0]}" in *\*) under "${plain[0]}" ;; *) place "${plain[0]}" ;; esac)
    [ -n "$found" ] || { echo 'ERROR: matched no objects' >&2; exit 1; }
    echo "$found" | while read -r file; do rm -f "$file" "$file.meta"; done ;;
  *) echo "gcloud storage $verb?" >&2; exit 2 ;;
esac
"#;

/// A deployment whose backup Jobs run here.
pub struct Bench {
    deployment: Deployment,
    world: World,
    folder: tempfile::TempDir,
}

impl Bench {
    /// One with a tenant of its own, after db-init; `None` where there is no server.
    pub fn new(tenant: &str) -> Option<Self> {
        let deployment = Deployment::new(tenant)?;
        deployment.run().good();
        let world = World::of(Spec { tenant_deployment_id: tenant.into(), ..Spec::default() });
        let folder = tempfile::tempdir().expect("a directory");
        let mut bench = Self { deployment, world, folder };
        for place in ["store", "bin", "share", "buckets/storage/privkeys/t", "buckets/plugin"] {
            fs::create_dir_all(bench.path(place)).expect("a directory");
        }
        fs::write(bench.path("buckets/storage/privkeys/t/private.pem"), "key").expect("a key");
        fs::write(bench.path("share/note"), "shared").expect("a file");
        bench.program("gcloud", GCLOUD);
        let made = json!({"timeCreated": "2026-11-01T00:00:00Z"});
        let id = bucket::id(&backup::bucket(&bench.world.context()));
        bench.world.seen.note(id, Sighting::Present(made));
        bench.look();
        Some(bench)
    }

    /// A path of the bench's own directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a program in front of the real one.
    pub fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, script).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
    }

    /// Somebody orders a procedure.
    pub fn order(&mut self, what: &str, of: &str, at: &str) {
        let at = at.parse().expect("a time");
        self.world.seen.orders.requests = vec![Request { what: what.into(), of: of.into(), at }];
        self.world.seen.at = Some(at);
        self.look();
    }

    /// The spec asks for an import of an object of the backup bucket.
    pub fn import(&mut self, name: &str, format: &str) {
        self.import_from("gcs", name, format);
    }

    /// The spec asks for an import.
    pub fn import_from(&mut self, source: &str, name: &str, format: &str) {
        self.world.seen.orders.requests.clear();
        self.world.spec.enable_backup_import = true;
        self.world.spec.backup_source = source.into();
        self.world.spec.backup_uri = name.into();
        self.world.spec.backup_format = format.into();
        let id = backup::due::import_id(&self.world.context());
        self.write(&format!("demo/imports/{id}.asked.json"), b"{}", None);
        self.look();
        self.safe("20261126T020000Z");
        self.world.seen.at = Some("2026-11-26T03:00:00Z".parse().expect("a time"));
    }

    /// A safety backup is there.
    pub fn safe(&mut self, slot: &str) {
        self.write(&format!("demo/{slot}/begun.json"), b"{}", None);
        self.write(&format!("demo/{slot}/manifest.json"), b"{}", None);
        self.look();
    }

    /// The first object of the backup is written.
    pub fn begin(&mut self) {
        let at = self.world.seen.at.expect("a time");
        let name = format!("demo/{}/begun.json", Slot::at(at));
        self.write(&name, b"{}", None);
        self.look();
    }

    /// The manifest, or what it waits on.
    pub fn manifest(&self) -> Result<Value, Wait> {
        let context = self.world.context();
        let shelf = Shelf::of(&context).expect("somebody looked");
        let slot = Slot::at(self.world.seen.at.expect("a time"));
        manifest::complete(&context, slot, &shelf.slots[&slot])
    }

    /// The manifest is written.
    pub fn finish(&mut self, manifest: &Value) {
        let slot = manifest["slot"].as_str().expect("a slot");
        let name = format!("demo/{slot}/manifest.json");
        self.write(&name, manifest.to_string().as_bytes(), None);
        self.look();
    }

    /// A whole backup of a slot.
    pub fn complete(&mut self, slot: &str) {
        let time = slot.parse::<Slot>().expect("a slot").time();
        self.order("backup", "", &time.to_string());
        self.begin();
        self.run(&["-application", "-plugins", "-storage", "-plugin", "-share"]);
        let manifest = self.manifest().unwrap_or_else(|wait| panic!("{}", wait.why));
        self.finish(&manifest);
    }

    /// The same backup under another slot.
    pub fn copy_slot(&mut self, from: &str, to: &str) {
        for name in self.names().into_iter().filter(|name| name.contains(from)) {
            let target = self.path("store").join(name.replace(from, to));
            fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
            for end in ["", ".meta"] {
                let source = format!("{}{end}", self.path("store").join(&name).display());
                if Path::new(&source).exists() {
                    fs::copy(source, format!("{}{end}", target.display())).expect("a copy");
                }
            }
        }
        self.look();
    }

    /// Time goes by.
    pub fn age_everything(&mut self) {
        self.world.seen.at = Some("2026-12-26T12:00:00Z".parse().expect("a time"));
    }

    /// Somebody takes a file away.
    pub fn forget(&mut self, name: &str) {
        fs::remove_file(self.path(name)).expect("it was there");
        self.look();
    }

    /// Looks at the directory as the reconciler looks at the bucket.
    pub fn look(&mut self) {
        let name = backup::bucket(&self.world.context());
        let kind = GoogleKind::Object;
        let old: Vec<ResourceId> =
            self.world.seen.of_kind(AnyKind::Google(kind)).map(|(id, _)| id.clone()).collect();
        for id in old {
            self.world.seen.note(id, Sighting::Absent);
        }
        for object in self.names().into_iter().filter(|object| object.starts_with("demo/")) {
            let size = fs::metadata(self.path("store").join(&object)).expect("a file").len();
            let metadata = self.all_metadata(&object);
            let made = "2026-11-26T02:00:00Z";
            let body = json!({"name": object, "size": size.to_string(), "crc32c": "AAAAAA==", "generation": "1",
                "timeCreated": made, "metadata": metadata});
            self.world
                .seen
                .note(ResourceId::google(kind, format!("b/{name}/o/{object}")), Sighting::Present(body));
        }
        self.world.seen.listed.insert((AnyKind::Google(kind), format!("b/{name}")));
    }

    /// Names of all objects in the backup bucket.
    pub fn names(&self) -> Vec<String> {
        let (mut names, mut folders) = (Vec::new(), vec![self.path("store")]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder").flatten() {
                let path = entry.path();
                let name = path.strip_prefix(self.path("store")).expect("below it").display().to_string();
                if path.is_dir() {
                    folders.push(path);
                } else if !name.ends_with(".meta") {
                    names.push(name);
                }
            }
        }
        names.sort();
        names
    }

    /// An object's bytes.
    pub fn stored(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.path("store").join(name)).ok()
    }

    /// Whether one of Dify's buckets has an object.
    pub fn kept_in_bucket(&self, name: &str) -> bool {
        self.path("buckets").join(name).exists()
    }

    /// A file that somebody put into the backup bucket.
    pub fn put(&mut self, name: &str, content: &[u8]) {
        self.write(name, content, None);
    }

    /// One value of an object's metadata.
    pub fn metadata(&self, object: &str, name: &str) -> Option<String> {
        self.all_metadata(object).remove(name)
    }

    fn all_metadata(&self, object: &str) -> BTreeMap<String, String> {
        let path = format!("{}.meta", self.path("store").join(object).display());
        let line = fs::read_to_string(path).unwrap_or_default();
        let pairs = line.trim().split(',').filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn write(&self, name: &str, content: &[u8], _: Option<&str>) {
        let path = self.path("store").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    /// The Jobs that are declared now, by the ends of their names.
    pub fn jobs(&self) -> BTreeMap<String, Value> {
        let stem = format!("{}-backup-", self.world.names.prefix);
        let all = self.world.declared().into_iter();
        let jobs = all.filter(|one| one.id.kind == AnyKind::Kubernetes(Kind::Job));
        jobs.filter_map(|one| {
            let name = one.id.short_name().strip_prefix(&stem)?.to_owned();
            match one.desired {
                Desired::Ready(document) => Some((format!("-{name}"), document.wire().clone())),
                other => panic!("{name} is {other:?}"),
            }
        })
        .collect()
    }

    /// Runs the Jobs whose names end or begin so; all must end well.
    pub fn run(&mut self, ends: &[&str]) {
        for end in ends {
            let (good, said) = self.run_one(end, &[]);
            assert!(good, "{end}: {said}");
        }
        self.look();
    }

    /// Runs a Job with some variables otherwise, and answers whether it ended well and what it said.
    pub fn outcome(&mut self, end: &str, more: &[(&str, &str)]) -> (bool, String) {
        let outcome = self.run_one(end, more);
        self.look();
        outcome
    }

    /// Runs a Job that must fail, and answers what it said.
    pub fn fails(&mut self, end: &str) -> String {
        self.fails_with(end, &[])
    }

    /// The same with some variables otherwise.
    pub fn fails_with(&mut self, end: &str, more: &[(&str, &str)]) -> String {
        let (good, said) = self.run_one(end, more);
        assert!(!good, "{end} must fail: {said}");
        self.look();
        said
    }

    /// Whether a text holds a secret.
    pub fn has_secret(&self, text: &str) -> bool {
        text.contains(SECRET) || text.contains(self.deployment.server.admin_password())
    }

    fn run_one(&self, end: &str, more: &[(&str, &str)]) -> (bool, String) {
        let jobs = self.jobs();
        let found = jobs.iter().find(|(name, _)| name.ends_with(end) || name.starts_with(end));
        let (name, job) = found.unwrap_or_else(|| panic!("no Job {end}: {:?}", jobs.keys()));
        let flow = self.path("flow");
        let _ = fs::remove_dir_all(&flow);
        fs::create_dir(&flow).expect("a directory");
        let containers =
            job.pointer("/spec/template/spec/containers").and_then(Value::as_array).expect("containers");
        let children: Vec<Child> = containers.iter().map(|container| self.start(container, more)).collect();
        let (mut good, mut said) = (true, String::new());
        for child in children {
            let output = child.wait_with_output().expect("it ends");
            good &= output.status.success();
            said += &String::from_utf8_lossy(&[output.stdout, output.stderr].concat());
        }
        assert!(!self.has_secret(&said), "{name} says a password: {said}");
        (good, said)
    }

    fn start(&self, container: &Value, more: &[(&str, &str)]) -> Child {
        let mut environment = crate::job::environment(&self.world, container);
        for variable in container["env"].as_array().into_iter().flatten() {
            let text = |field: &str| variable[field].as_str().unwrap_or_default().to_owned();
            environment.insert(text("name"), text("value"));
        }
        let server = self.deployment.server;
        for (name, value) in [
            ("PGPORT", server.port().to_string()),
            ("ADMIN", server.admin().to_owned()),
            ("FLOW", self.path("flow").display().to_string()),
            ("SHARE", self.path("share").display().to_string()),
            ("STORE", self.folder.path().display().to_string()),
        ] {
            environment.insert(name.into(), value);
        }
        if environment.contains_key("ADMIN_PASSWORD") {
            environment.insert("ADMIN_PASSWORD".into(), server.admin_password().into());
        }
        environment.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let path =
            [&self.path("bin"), Path::new(CLIENT), &python(), Path::new("/usr/bin"), Path::new("/bin")];
        let command: Vec<&str> =
            container["command"].as_array().expect("a command").iter().filter_map(Value::as_str).collect();
        Command::new("/usr/bin/timeout")
            .arg("60")
            .args(command)
            .env_clear()
            .env("PATH", std::env::join_paths(path).expect("a path"))
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell")
    }

    /// Runs SQL as the deployment's login.
    pub fn sql(&self, sql: &str) -> String {
        self.deployment.sql(0, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The same in the plugin daemon's database.
    pub fn sql_in_plugins(&self, sql: &str) -> String {
        self.deployment.sql_in(&self.deployment.names.plugins, 0, sql).expect("it runs")
    }

    /// The schema as pg_dump writes it.
    pub fn schema(&self) -> String {
        let text = String::from_utf8(self.dumped(&["-s"])).expect("text");
        // A key that is drawn for each dump.
        text.lines().filter(|line| !line.contains("restrict ")).collect::<Vec<_>>().join("\n")
    }

    /// Every row, in order.
    pub fn rows(&self) -> String {
        self.sql("SELECT id, md5(body), at FROM documents ORDER BY id")
    }

    /// A dump of Dify's database by an ordinary client.
    pub fn dumped(&self, flags: &[&str]) -> Vec<u8> {
        self.dumped_of(&self.deployment.names.application, flags)
    }

    /// A dump of the plugin daemon's database by an ordinary client.
    pub fn dumped_plugins(&self) -> Vec<u8> {
        self.dumped_of(&self.deployment.names.plugins, &[])
    }

    fn dumped_of(&self, database: &str, flags: &[&str]) -> Vec<u8> {
        let (role, password) = self.deployment.login(0);
        let output = Command::new(format!("{CLIENT}/pg_dump"))
            .args(flags)
            .args(["-h", "127.0.0.1", "-p", &self.deployment.server.port().to_string(), "-U", role])
            .arg(database)
            .env("PGPASSWORD", password)
            .output()
            .expect("pg_dump");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// The databases that the Jobs of now work on.
    pub fn targets(&self) -> Vec<String> {
        let mut targets = Vec::new();
        for job in self.jobs().values() {
            let containers = job.pointer("/spec/template/spec/containers").and_then(Value::as_array);
            for container in containers.into_iter().flatten() {
                let variables = container["env"].as_array().into_iter().flatten();
                let named = variables.filter(|variable| variable["name"] == "PGDATABASE");
                targets.extend(named.filter_map(|variable| variable["value"].as_str().map(str::to_owned)));
            }
        }
        targets
    }

    /// How many of these databases there are.
    pub fn existing(&self, databases: &[String]) -> usize {
        let sql = format!("SELECT count(*) FROM pg_database WHERE datname IN ('{}')", databases.join("', '"));
        self.deployment.admin("postgres", &sql).parse().expect("a number")
    }
}

/// The folder of the Python that this machine has.
fn python() -> PathBuf {
    let output =
        Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().expect("Python");
    let path = String::from_utf8(output.stdout).expect("a path");
    Path::new(path.trim()).parent().expect("a folder").to_path_buf()
}
