//! CCAvenue's messages are encrypted without a proof: forgeries made without the key.

use payment_gateways::ccavenue::cipher::WorkingKey;
use payment_simulator::providers::{Choice, Fault, State, Strike, Twist, WayBack};

use crate::PATIENT;
use crate::audit::audit;
use crate::support::account::Account;
use crate::world::World;

/// Ids of DIGIT's length. They are order numbers, and put the state of an order into one block of the cipher.
const IDS: (&str, &str) = ("egov.idgen.ack.format", "PB_PG_ULB_[SEQ_EG_PG_TXN]_[d{9}]");
/// A block of the cipher, in hexadecimal digits.
const BLOCK: usize = 32;

/// A new payment whose payer makes this choice: its id, and the message that the browser is to bring.
async fn message_of(world: &World, choice: Choice) -> (String, WayBack) {
    let txn = world.create().await;
    let page = world.open(&txn).await;
    let way_back = world.visitor.choose(&page, choice).await.unwrap().unwrap();
    (txn["txnId"].as_str().unwrap().to_owned(), way_back)
}

fn encrypted(way: &WayBack) -> &str {
    let WayBack::Post { fields, .. } = way else { panic!("a form") };
    &fields.iter().find(|(name, _)| name == "encResp").unwrap().1
}

fn decrypted(world: &World, message: &str) -> String {
    let properties = world.simulator.properties("http://x");
    let key = properties.iter().find(|(name, _)| *name == "ccavenue.redirect.working.key").unwrap();
    // A changed block leaves garbage before it, which need not be text.
    let bytes = WorkingKey::new(&key.1).decrypt(message).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Brings a message to each address of the service that takes one.
async fn bring(world: &World, id: &str, message: &str) {
    let fields = [("encResp", message), ("orderNo", id)];
    let fields: Vec<_> = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    for path in ["/transaction/v1/_redirect", "/transaction/v1/_update", "/gateway/v1/ccavenue/_callback"] {
        let action = format!("{}{path}?eg_pg_txnid={id}", world.url);
        let way = WayBack::Post { action, fields: fields.clone() };
        let (status, _) = world.visitor.follow(&way).await.unwrap();
        assert!([200, 303, 503].contains(&status), "{path} answered {status}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_cut_and_pasted_into_a_success_settles_nothing() {
    let world = World::with(Account::Ccavenue, PATIENT, &[IDS]).await;
    let (paid, of_paid) = message_of(&world, Choice::Pay).await;
    let late = Choice::PayWith(Fault::Order(Twist::Pending { seconds: 3_600 }));
    let (unpaid, of_unpaid) = message_of(&world, late).await;

    // The order of the one, and the end of the other: only the seam is garbage.
    let seams = (2..8).map(|block| block * BLOCK);
    let forged = seams
        .map(|seam| format!("{}{}", &encrypted(&of_unpaid)[..seam], &encrypted(&of_paid)[seam..]))
        .find(|forged| {
            let text = decrypted(&world, forged);
            text.starts_with(&format!("order_id={unpaid}&")) && text.contains("&order_status=Success&")
        });
    bring(&world, &unpaid, &forged.unwrap()).await;
    assert_eq!(world.update(&unpaid).await["txnStatus"], "PENDING");

    world.elapse(&unpaid).await;
    world.settled(&unpaid, "SUCCESS").await;
    world.settled(&paid, "SUCCESS").await;
    audit(world, &[(unpaid, None), (paid, None)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_with_bits_flipped_into_a_success_settles_nothing_without_a_status_request() {
    let world = World::with(Account::Ccavenue, PATIENT, &[IDS]).await;
    let txn = world.create().await;
    let id = txn["txnId"].as_str().unwrap().to_owned();
    let page = world.open(&txn).await;
    assert!(world.simulator.set_fault(world.provider(), &id, Some(Fault::Call(Strike::ServerError))));
    let way_back = world.visitor.choose(&page, Choice::Cancel).await.unwrap().unwrap();
    let (status, location) = world.visitor.follow(&way_back).await.unwrap();
    assert_eq!((status, location.is_some_and(|url| url.contains("txnStatus=PENDING"))), (303, true));

    let text = decrypted(&world, encrypted(&way_back));
    let at = text.find("=Aborted&").unwrap() + 1;
    let mut bytes = hex::decode(encrypted(&way_back)).unwrap();
    for (place, (old, new)) in "Aborted".bytes().zip("Success".bytes()).enumerate() {
        // A bit of a block is a bit of the next one's text.
        bytes[at + place - 16] ^= old ^ new;
    }
    let forged = hex::encode(&bytes);
    assert!(decrypted(&world, &forged).contains("=Success&"));
    bring(&world, &id, &forged).await;
    assert_eq!(world.update(&id).await["txnStatus"], "PENDING");

    assert!(world.simulator.set_fault(world.provider(), &id, None));
    world.settled(&id, "FAILURE").await;
    assert_eq!(
        world.simulator.book_entry_of(world.provider(), &id).unwrap().state,
        State::Declined { paid_at_ms: None }
    );
    audit(world, &[(id, None)]).await;
}
