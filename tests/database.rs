//! The scripts that prepare the database, run as their Jobs run them: db-init on a real PostgreSQL 15 with
//! `vector`, and the proof after the migration with a stand-in for Dify's `flask`.
//!
//! Where there is no PostgreSQL, what needs it is reported as skipped (see `support`).

mod library {
    pub use dify_reconciler::*;
}
mod support;

#[path = "database/backup.rs"]
mod backup;
#[path = "database/bench.rs"]
mod bench;
#[path = "database/cloud_sql.rs"]
mod cloud_sql;
#[path = "database/db_init.rs"]
mod db_init;
#[path = "database/drive.rs"]
mod drive;
#[path = "golden/fixture.rs"]
mod fixture;
#[path = "database/job.rs"]
mod job;
#[path = "database/rotation.rs"]
mod rotation;
#[path = "database/server.rs"]
mod server;
#[path = "database/verify.rs"]
mod verify;
#[path = "database/wire.rs"]
mod wire;
