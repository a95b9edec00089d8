//! A connection that is cut, stalled, or loses its answers.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use payment_testing::proxy::TcpProxy;

/// A server that reports every byte it gets, and sends it back.
fn echo() -> (std::net::SocketAddr, mpsc::Receiver<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (got, received) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let got = got.clone();
            thread::spawn(move || {
                let mut stream = stream;
                let mut byte = [0];
                while stream.read_exact(&mut byte).is_ok() {
                    let _ = got.send(byte[0]);
                    let _ = stream.write_all(&byte);
                }
            });
        }
    });
    (address, received)
}

fn client(proxy: &TcpProxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

fn says(stream: &mut TcpStream, byte: u8) -> std::io::Result<u8> {
    stream.write_all(&[byte])?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    Ok(answer[0])
}

/// Nothing comes for a while.
fn silent(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let error = stream.read_exact(&mut [0]).unwrap_err().kind();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    matches!(error, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[test]
fn a_cut_drops_connections_and_refuses_new_ones_until_it_is_mended() {
    let (target, _received) = echo();
    let proxy = TcpProxy::start(target);
    let mut stream = client(&proxy);
    assert_eq!(says(&mut stream, 1).unwrap(), 1);

    proxy.cut();
    says(&mut stream, 2).unwrap_err();
    assert_eq!(TcpStream::connect(proxy.address()).unwrap_err().kind(), ErrorKind::ConnectionRefused);

    proxy.mend();
    assert_eq!(says(&mut client(&proxy), 3).unwrap(), 3);
}

#[test]
fn a_blackhole_takes_everything_and_passes_it_on_when_mended() {
    let (target, received) = echo();
    let proxy = TcpProxy::start(target);
    let mut old = client(&proxy);
    assert_eq!(says(&mut old, 1).unwrap(), 1);
    assert_eq!(received.recv().unwrap(), 1);

    proxy.blackhole();
    let mut new = client(&proxy);
    old.write_all(&[2]).unwrap();
    new.write_all(&[2]).unwrap();
    assert!(silent(&mut old) && silent(&mut new));
    assert!(received.try_recv().is_err());

    proxy.mend();
    for stream in [&mut old, &mut new] {
        let mut answer = [0];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [2]);
    }
}

#[test]
fn held_answers_come_late_or_after_a_cut_never() {
    let (target, received) = echo();
    let proxy = TcpProxy::start(target);
    let mut late = client(&proxy);
    proxy.hold_answers();
    late.write_all(&[1]).unwrap();
    assert_eq!(received.recv().unwrap(), 1, "the work is done");
    assert!(silent(&mut late));
    proxy.mend();
    late.read_exact(&mut [0]).unwrap();

    proxy.hold_answers();
    let mut never = client(&proxy);
    never.write_all(&[2]).unwrap();
    assert_eq!(received.recv().unwrap(), 2, "the work is done");
    proxy.cut();
    never.read_exact(&mut [0]).unwrap_err();
}

#[test]
fn a_url_leads_through_the_proxy() {
    let (target, _received) = echo();
    let direct = format!("postgres://user:secret@{target}/name?a=b");
    let proxy = TcpProxy::in_front_of(&direct);
    assert_eq!(proxy.url(&direct), format!("postgres://user:secret@{}/name?a=b", proxy.address()));
    assert_eq!(says(&mut client(&proxy), 1).unwrap(), 1);
}
