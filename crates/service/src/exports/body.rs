//! The body of a download: the bytes of a file on their way to its reader.

use std::io;

use bytes::Bytes;
use tokio::sync::mpsc;

/// The bytes of an export, as they are made. Dropping it ends the export.
#[derive(Debug)]
pub struct ExportBody(mpsc::Receiver<Piece>);

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    /// Without it the file is not complete.
    End,
}

pub(super) struct Sender(mpsc::Sender<Piece>);

/// The reader is gone.
pub(super) struct Gone;

/// One piece waits at most.
pub(super) fn channel() -> (Sender, ExportBody) {
    let (sender, pieces) = mpsc::channel(1);
    (Sender(sender), ExportBody(pieces))
}

impl ExportBody {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// When the export was cut off: the answer must not end like one that is complete.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        match self.0.recv().await {
            Some(Piece::Bytes(bytes)) => Ok(Some(bytes)),
            Some(Piece::End) => Ok(None),
            None => Err(io::Error::other("the export was cut off")),
        }
    }
}

impl Sender {
    pub(super) async fn bytes(&self, bytes: Bytes) -> Result<(), Gone> {
        self.0.send(Piece::Bytes(bytes)).await.map_err(|_| Gone)
    }

    pub(super) async fn end(&self) -> Result<(), Gone> {
        self.0.send(Piece::End).await.map_err(|_| Gone)
    }

    pub(super) async fn gone(&self) {
        self.0.closed().await;
    }
}
