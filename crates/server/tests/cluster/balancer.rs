//! The load balancer for payers and gateways: every connection goes to the next one
//! that takes it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A load balancer on loopback, gone when dropped.
pub(crate) struct Balancer {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Balancer {
    /// In front of the servers on these ports.
    pub(crate) async fn start(ports: Vec<u16>) -> Balancer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ports, next) = (Arc::new(ports), Arc::new(AtomicUsize::new(0)));
        let serving = tokio::spawn(async move {
            loop {
                // A client that left before it was accepted is none.
                let Ok((client, _)) = listener.accept().await else { continue };
                tokio::spawn(forward(client, ports.clone(), next.clone()));
            }
        });
        Balancer { address, serving }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn forward(mut client: TcpStream, ports: Arc<Vec<u16>>, next: Arc<AtomicUsize>) {
    for _ in 0..ports.len() {
        let port = ports[next.fetch_add(1, Ordering::SeqCst) % ports.len()];
        if let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await {
            // When either side breaks off, the other notices the end of its connection.
            let _ = copy_bidirectional(&mut client, &mut server).await;
            return;
        }
    }
}
