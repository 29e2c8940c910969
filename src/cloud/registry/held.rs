//! A blob on its way from one registry to another: the last piece is given on only when the whole has been verified, so
//! that whoever receives the rest cannot take it for the whole.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use oci_client::errors::{DigestError, OciDistributionError};

/// What was wrong with a blob, when something was.
#[derive(Clone, Default)]
pub(super) struct Fault(Arc<Mutex<Option<String>>>);

impl Fault {
    /// The fault, once the stream has ended because of it.
    pub fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, why: String) -> OciDistributionError {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
        OciDistributionError::IoError(io::Error::other(why))
    }
}

/// A verified stream (it ends in an error when its content is not that of the digest) of which one piece is held back.
pub(super) fn held(
    verified: BoxStream<'static, io::Result<Bytes>>,
    digest: &str,
    size: u64,
    fault: Fault,
) -> impl Stream<Item = Result<Bytes, OciDistributionError>> + Send + 'static {
    let passage = Passage { verified, digest: digest.to_owned(), size, fault, passed: 0, held: None };
    futures::stream::try_unfold(Some(passage), |passage| async move {
        let Some(mut passage) = passage else { return Ok(None) };
        loop {
            match passage.verified.next().await {
                Some(piece) => {
                    if let Some(before) = passage.take_in(piece)? {
                        return Ok(Some((before, Some(passage))));
                    }
                }
                None => return passage.finish().map(|last| last.map(|last| (last, None))),
            }
        }
    })
}

struct Passage {
    verified: BoxStream<'static, io::Result<Bytes>>,
    digest: String,
    size: u64,
    fault: Fault,
    passed: u64,
    held: Option<Bytes>,
}

impl Passage {
    /// Takes a piece in and gives the one before it on.
    fn take_in(&mut self, piece: io::Result<Bytes>) -> Result<Option<Bytes>, OciDistributionError> {
        let piece = piece.map_err(|error| self.failed(error))?;
        self.passed += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if self.passed > self.size {
            let why = format!("{} is larger than the {} bytes it should have", self.digest, self.size);
            return Err(self.fault.note(why));
        }
        Ok(self.held.replace(piece))
    }

    /// A digest that is another one is told apart from a connection that broke: only that one passes.
    fn failed(&self, error: io::Error) -> OciDistributionError {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<DigestError>()) {
            Some(DigestError::VerificationError { actual, .. }) => {
                self.fault.note(format!("what came for {} is {actual}", self.digest))
            }
            Some(other) => self.fault.note(format!("{}: {other}", self.digest)),
            None => OciDistributionError::IoError(error),
        }
    }

    fn finish(self) -> Result<Option<Bytes>, OciDistributionError> {
        if self.passed < self.size {
            let why = format!("{} has {} bytes instead of {}", self.digest, self.passed, self.size);
            return Err(self.fault.note(why));
        }
        Ok(self.held)
    }
}
