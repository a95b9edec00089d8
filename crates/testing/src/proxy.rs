//! A TCP proxy that a test can cut, to separate two sides without stopping either.

use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc as blocking;
use std::thread;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use url::Url;

use crate::ports::Port;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Open,
    AnswersHeld,
    Blackhole,
    Cut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToTarget,
    ToClient,
}

impl Mode {
    fn passes(self, direction: Direction) -> bool {
        match self {
            Self::Open => true,
            Self::AnswersHeld => direction == Direction::ToTarget,
            Self::Blackhole | Self::Cut => false,
        }
    }
}

/// A new mode, and the channel that reports when it applies.
type Order = (Mode, blocking::Sender<()>);

/// A proxy on loopback, on its own thread, so that it also works for blocking tests. Its connections end
/// when it is dropped.
#[derive(Debug)]
pub struct TcpProxy {
    port: Port,
    orders: mpsc::UnboundedSender<Order>,
}

impl TcpProxy {
    /// An open proxy to the target, `host:port`.
    ///
    /// # Panics
    /// When the target's name is unknown.
    #[must_use]
    pub fn start(target: impl ToSocketAddrs) -> Self {
        let target = target
            .to_socket_addrs()
            .ok()
            .and_then(|mut addresses| addresses.next())
            .expect("the target has an address");
        let port = Port::reserve();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.number()));
        let (orders, queue) = mpsc::unbounded_channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be made");
            runtime.block_on(serve(address, target, queue));
        });
        let proxy = Self { port, orders };
        proxy.mend();
        proxy
    }

    /// An open proxy to the server of a URL.
    ///
    /// # Panics
    /// When the URL has no host and port.
    #[must_use]
    pub fn in_front_of(url: &str) -> Self {
        let url = Url::parse(url).expect("a URL");
        Self::start((url.host_str().expect("a host"), url.port_or_known_default().unwrap_or(5432)))
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port.number()))
    }

    /// The URL with this proxy's address.
    ///
    /// # Panics
    /// When it is not a URL.
    #[must_use]
    pub fn url(&self, direct: &str) -> String {
        let mut url = Url::parse(direct).expect("a URL");
        url.set_host(Some("127.0.0.1")).expect("the URL has a host");
        url.set_port(Some(self.port.number())).expect("the URL has a port");
        url.into()
    }

    /// Drops all connections and refuses new ones.
    pub fn cut(&self) {
        self.set(Mode::Cut);
    }

    /// Keeps connections and accepts new ones, but passes no byte: both sides wait.
    pub fn blackhole(&self) {
        self.set(Mode::Blackhole);
    }

    /// Passes requests and holds answers: the work is done without the client's knowledge. After
    /// [`Self::mend`] the answers arrive late; after [`Self::cut`] never.
    pub fn hold_answers(&self) {
        self.set(Mode::AnswersHeld);
    }

    /// Passes everything again, including held answers.
    pub fn mend(&self) {
        self.set(Mode::Open);
    }

    /// Returns when the mode applies.
    fn set(&self, mode: Mode) {
        let (done, held) = blocking::channel();
        self.orders.send((mode, done)).expect("the proxy runs as long as this does");
        held.recv().expect("the proxy could listen on its port");
    }
}

/// Applies modes and accepts connections until the proxy is dropped.
async fn serve(address: SocketAddr, target: SocketAddr, mut orders: mpsc::UnboundedReceiver<Order>) {
    let (mode, watched) = watch::channel(Mode::Cut);
    let mut connections = JoinSet::new();
    let mut listener: Option<TcpListener> = None;
    loop {
        let order = tokio::select! {
            biased;
            order = orders.recv() => order,
            client = accept(listener.as_ref()) => {
                connections.spawn(forward(client, target, watched.clone()));
                continue;
            }
            Some(_) = connections.join_next() => continue,
        };
        let Some((wanted, done)) = order else { return };
        if wanted == Mode::Cut {
            listener = None;
            connections.shutdown().await;
        } else if listener.is_none() {
            listener = Some(TcpListener::bind(address).await.expect("the port is reserved for us"));
        }
        mode.send_replace(wanted);
        // No receiver: the proxy is dropped.
        let _ = done.send(());
    }
}

/// The next client; pending without a listener.
async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        // A client that disconnected before it was accepted is skipped.
        if let Ok((client, _)) = listener.accept().await {
            return client;
        }
    }
}

/// Serves one client until one side closes in both directions, or fails.
async fn forward(client: TcpStream, target: SocketAddr, mut mode: watch::Receiver<Mode>) {
    if mode.wait_for(|mode| mode.passes(Direction::ToTarget)).await.is_err() {
        return;
    }
    let Ok(server) = TcpStream::connect(target).await else { return };
    // A database's answers are small: waiting to fill a packet would slow every test.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let _ = tokio::try_join!(
        pump(from_client, to_server, mode.clone(), Direction::ToTarget),
        pump(from_server, to_client, mode, Direction::ToClient),
    );
}

/// Passes bytes while the mode permits it, and the end of the stream.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut mode: watch::Receiver<Mode>,
    direction: Direction,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        // Checked after the read: bytes that arrive in a closed mode wait here, the rest in the sockets.
        if mode.wait_for(|mode| mode.passes(direction)).await.is_err() {
            return Ok(());
        }
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..length]).await?;
    }
}
