//! Accepts connections and speaks HTTP/1.1 on them. Decides how many there are and how long a client may take over its
//! headers or pause in reading its answer; what a request gets is decided in [`crate::observe`] and behind it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tracing::{debug, warn};

use crate::drain::{self, Stop};
use crate::gateway::Gateway;
use crate::observe::Door;
use crate::stalled::Unstalled;

/// Connections the kernel holds until they are accepted.
const BACKLOG: u32 = 1_024;
/// All of a request's headers together; a key and a few ids take less than one.
const HEADER_BYTES: usize = 32 * 1024;
/// When the process has no file descriptors left, trying again at once would only burn the processor.
const AFTER_ACCEPT_ERROR: Duration = Duration::from_millis(50);

/// Listens on an address.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for the connections of the process before it to time out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until told to stop, and then until the requests in flight are answered.
pub async fn serve(gateway: Arc<Gateway>, door: Arc<Door>, listener: TcpListener, mut stop: Stop) {
    let room = Arc::new(Semaphore::new(gateway.settings.max_connections));
    let open = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(gateway.settings.header_timeout()).max_header_size(HEADER_BYTES);
    let accepting = async {
        loop {
            let (stream, place) = accept(&listener, &room).await;
            let door = Arc::clone(&door);
            let answer = service_fn(move |request| {
                let door = Arc::clone(&door);
                async move { door.answer(request).await }
            });
            let stream = Unstalled::new(stream, gateway.settings.header_timeout());
            let connection = open.watch(http.serve_connection(TokioIo::new(stream), answer));
            tokio::spawn(async move {
                if let Err(ended) = connection.await {
                    debug!(timeout = ended.is_timeout(), parse = ended.is_parse(), "a connection ended early");
                }
                drop(place);
            });
        }
    };
    tokio::select! {
        () = accepting => {}
        () = drain::begun(&gateway, &mut stop) => {}
    }
    drop(listener);
    // A stream that waits for news would be waited for in vain.
    let connections = open.shutdown();
    let quiet = door.finish();
    drain::finish(&gateway, &mut stop, async move {
        tokio::join!(connections, quiet);
    })
    .await;
}

/// The next connection, once there is room for one more.
async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    let place = Arc::clone(room).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Without it an answer in two segments waits for the client's delayed acknowledgement.
                if let Err(cause) = stream.set_nodelay(true) {
                    debug!(%cause, "a connection was gone before it was served");
                }
                return (stream, place);
            }
            Err(cause) => {
                warn!(%cause, "a connection could not be accepted");
                sleep(AFTER_ACCEPT_ERROR).await;
            }
        }
    }
}
