//! Keeping the world in one file: written beside and renamed, readable by its owner only.

use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::store::World;

/// Reads the world, or starts an empty one when there is no file. Errors: a file that cannot be read.
pub fn load(path: &Path) -> io::Result<World> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(World::default()),
        Err(error) => Err(error),
    }
}

/// Writes the world so that a reader sees the old or the new one, never half.
pub fn save(path: &Path, world: &World) -> io::Result<()> {
    let bytes = serde_json::to_vec_pretty(world).map_err(io::Error::other)?;
    write_atomically(path, &bytes, 0o600)
}

/// Replaces a file by way of a hidden one beside it.
pub fn write_atomically(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = parent.join(format!(".{name}.{}.tmp", std::process::id()));
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    drop(file);
    written.and_then(|()| std::fs::rename(&beside, path)).inspect_err(|_| {
        // The half-written file is of no use to anybody.
        let _ = std::fs::remove_file(&beside);
    })
}
