//! Where the binaries and files are that the scripts beside this file put in place.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Skip;

/// The root of the repository.
pub fn repo_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The directory the scripts build and download into.
pub fn cache_dir() -> PathBuf {
    match env::var_os("DIFY_TEST_CACHE") {
        Some(dir) => PathBuf::from(dir),
        None => repo_dir().join("target/test-assets"),
    }
}

/// The directory with `kube-apiserver` and `etcd`: `KUBEBUILDER_ASSETS`, or what `assets.sh` has
/// built from the sources as they are now.
pub fn kubernetes_dir() -> Result<PathBuf, Skip> {
    let dir = match env::var_os("KUBEBUILDER_ASSETS") {
        Some(dir) => PathBuf::from(dir),
        None => cache_dir().join(format!("kubernetes-{}", assets_key()?)),
    };
    match ["kube-apiserver", "etcd"].iter().find(|name| !dir.join(name).exists()) {
        None => Ok(dir),
        Some(name) => {
            Err(Skip(format!("there is no {name} in {}; run tests/support/assets.sh", dir.display())))
        }
    }
}

/// The key of what was built, as `assets.sh` computes it.
fn assets_key() -> Result<String, Skip> {
    let mut hash = Sha256::new();
    for name in ["go.mod", "main.go"] {
        let path = repo_dir().join("tests/support/kube-apiserver").join(name);
        hash.update(fs::read(&path).map_err(|error| Skip(format!("{}: {error}", path.display())))?);
    }
    let mut key = hex::encode(hash.finalize());
    key.truncate(12);
    Ok(key)
}
