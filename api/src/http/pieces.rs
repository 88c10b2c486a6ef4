//! Bodies that leave in pieces.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, MessageBody},
    web::Bytes,
};

/// How much is handed over at a time, bytes: as much as the server buffers before it waits for the socket.
const PIECE: usize = 32 * 1024;

/// A body of known size. Handed over whole, it would be copied whole into the connection's buffer, which keeps that size as
/// long as the connection lives.
pub(super) struct Pieces(pub(super) Bytes);

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let piece = self.0.len().min(PIECE);
        Poll::Ready(Some(Ok(self.0.split_to(piece))))
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        if self.0.len() <= PIECE { Ok(self.0) } else { Err(self) }
    }
}
