//! Heads signed by a key outside of the database: what was rewritten whole is found all the same.

use std::sync::{Arc, Mutex, Once};

use audit::{Signed, Signer, sign_heads, verify_all, verify_anchor, verify_checkpoints};
use audit_api::Proof;
use kernel::{Ctx, OrgRole};

use crate::scenery::{Scene, ctx};

/// Changes the entry at a place of a chain and makes all that follows sound again, head included.
fn rewrite(ctx: &Ctx, place: i64) -> String {
    format!(
        "do $$
         declare
             l audit_links;
             e audit_entries;
             previous bytea;
         begin
             update audit_entries set action = 'forged' where (org_id, id) = (select org_id, entry_id from audit_links where org_id = '{0}' and sequence = {place});
             for l in select * from audit_links where org_id = '{0}' and sequence >= {place} order by sequence loop
                 select * into e from audit_entries where org_id = l.org_id and id = l.entry_id;
                 previous := coalesce(previous, l.previous_hash);
                 update audit_links set previous_hash = previous, hash = app.audit_hash(e.org_id, e.id, e.at, e.actor_id, e.action, e.denied, e.entity_type, e.entity_id,
                     e.request_id, e.before, e.after, previous) where org_id = l.org_id and sequence = l.sequence
                     returning hash into previous;
             end loop;
             update audit_heads h set hash = k.hash, previous_hash = k.previous_hash from audit_links k
                 where h.org_id = '{0}' and k.org_id = h.org_id and k.sequence = h.sequence;
         end $$",
        ctx.org
    )
}

fn cut(ctx: &Ctx, to: i64) -> String {
    format!(
        "delete from audit_entries where org_id = '{0}' and id in (select entry_id from audit_links where org_id = '{0}' and sequence > {to});
         delete from audit_links where org_id = '{0}' and sequence > {to};
         update audit_heads h set sequence = {to}, hash = k.hash, previous_hash = k.previous_hash from audit_links k
             where h.org_id = '{0}' and k.org_id = h.org_id and k.sequence = {to}",
        ctx.org
    )
}

async fn tamper(scene: &Scene, sql: &str) {
    scene.db.run_sql(&format!("set session_replication_role = replica; {sql}")).await;
}

async fn broken(scene: &Scene) -> Vec<String> {
    verify_checkpoints(&scene.db.system_uow(), &scene.signer).await.unwrap().into_iter().map(|broken| broken.what).collect()
}

#[tokio::test]
async fn however_many_heads_move_what_was_rewritten_is_found_at_once_and_the_others_take_turns() {
    let scene = Scene::new().await;
    let (ctx, system) = (ctx(OrgRole::Owner), scene.db.system_uow());
    scene.record(&ctx, 4).await;
    assert_eq!(sign_heads(&system, &scene.signer).await.unwrap(), Signed { round: Some(1), heads: 1, broken: vec![] });
    tamper(&scene, &rewrite(&ctx, 2)).await;
    // More organisations than a round takes, all of them older.
    tamper(
        &scene,
        "insert into audit_heads (org_id, sequence, previous_hash, hash)
         select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 1, decode(repeat('00', 32), 'hex'), decode(lpad(n::text, 64, '0'), 'hex')
         from generate_series(1, 5001) n",
    )
    .await;
    let signed = sign_heads(&system, &scene.signer).await.unwrap();
    assert_eq!(signed, Signed { round: Some(2), heads: 4999, broken: vec![ctx.org] });
    // Those that are signed already move again: the two that wait come first all the same.
    tamper(
        &scene,
        "insert into audit_links (org_id, sequence, entry_id, previous_hash, hash)
         select org_id, sequence, gen_random_uuid(), previous_hash, hash from audit_heads where org_id::text like '00000000-%';
         update audit_heads set sequence = 2 where org_id::text like '00000000-%' and sequence = 1",
    )
    .await;
    sign_heads(&system, &scene.signer).await.unwrap();
    let unsigned =
        "select count(*) from audit_heads h where not exists (select from audit_checkpoints c where c.org_id = h.org_id)";
    assert_eq!(scene.db.query(unsigned).await, ["0"]);
}

#[tokio::test]
async fn a_chain_rewritten_or_cut_whole_no_longer_holds_its_signed_head() {
    for sql in [|ctx: &Ctx| rewrite(ctx, 2), |ctx: &Ctx| cut(ctx, 2)] {
        let scene = Scene::new().await;
        let (ctx, other, system) = (ctx(OrgRole::Owner), ctx(OrgRole::Owner), scene.db.system_uow());
        scene.record(&ctx, 4).await;
        scene.record(&other, 1).await;
        let kept = scene.audit.head(&ctx).await.unwrap();
        assert_eq!(sign_heads(&system, &scene.signer).await.unwrap(), Signed { round: Some(1), heads: 2, broken: vec![] });
        assert_eq!(sign_heads(&system, &scene.signer).await.unwrap(), Signed::default(), "nothing has moved");
        scene.record(&ctx, 1).await;
        assert_eq!(sign_heads(&system, &scene.signer).await.unwrap(), Signed { round: Some(2), heads: 1, broken: vec![] });
        assert_eq!(broken(&scene).await, [] as [&str; 0]);

        tamper(&scene, &sql(&ctx)).await;
        assert!(verify_all(&system).await.unwrap().iter().all(|chain| chain.verification.valid), "sound in itself");
        let gone = [4, 5].map(|sequence| format!("the chain no longer holds the signed head {sequence}"));
        assert_eq!(broken(&scene).await, gone);
        let since = audit_api::Place::Links { after: kept.sequence, hash: kept.hash };
        assert!(!scene.audit.verify(&ctx, since, 100).await.unwrap().valid, "nor what the tenant kept");
        scene.record(&ctx, 3).await;
        scene.record(&other, 1).await;
        let signed = sign_heads(&system, &scene.signer).await.unwrap();
        assert_eq!(signed, Signed { round: Some(3), heads: 1, broken: vec![ctx.org] }, "what is broken is signed no more");
    }
}

#[tokio::test]
async fn signatures_rounds_and_their_heads_hold_together() {
    for (sql, found) in [
        (
            "update audit_checkpoints set signature = decode(repeat('ab', 64), 'hex') where round = 1",
            vec!["the signature of the head 1 does not hold"],
        ),
        (
            "update audit_rounds set signature = decode(repeat('ab', 64), 'hex') where round = 2",
            vec!["the signature of round 2 does not hold"],
        ),
        ("delete from audit_checkpoints where round = 2", vec!["the heads of the signed round 2 are not those that were signed"]),
        ("delete from audit_rounds where round = 1", vec!["the signed rounds 1 to 1 are gone"]),
        (
            "update audit_checkpoints set hash = sha256('x') where round = 1",
            vec![
                "the chain no longer holds the signed head 1",
                "the heads of the signed round 1 are not those that were signed",
                "the signature of the head 1 does not hold",
            ],
        ),
    ] {
        let scene = Scene::new().await;
        let ctx = ctx(OrgRole::Owner);
        for _ in 0..3 {
            scene.record(&ctx, 1).await;
            sign_heads(&scene.db.system_uow(), &scene.signer).await.unwrap();
        }
        tamper(&scene, sql).await;
        assert_eq!(broken(&scene).await, found, "{sql}");
    }
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Signs, and takes the anchor from the log.
async fn anchored(scene: &Scene) -> String {
    // Whether anybody listens to a line of the code is kept once for the process: a neighbour's thread without a subscriber must not decide it.
    static LISTENS: Once = Once::new();
    LISTENS.call_once(|| tracing::subscriber::set_global_default(tracing_subscriber::registry()).expect("the first one"));
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone()).finish();
    let signing = tracing::Instrument::instrument(sign_heads_now(scene), tracing::Span::none());
    tracing::instrument::WithSubscriber::with_subscriber(signing, subscriber).await;
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let line: serde_json::Value = serde_json::from_str(text.lines().next().expect("a line")).unwrap();
    line["anchor"].as_str().expect("an anchor").to_owned()
}

async fn sign_heads_now(scene: &Scene) {
    sign_heads(&scene.db.system_uow(), &scene.signer).await.unwrap();
}

#[tokio::test]
async fn the_line_in_the_log_finds_a_database_that_was_rolled_back_whole() {
    let scene = Scene::new().await;
    let (ctx, system) = (ctx(OrgRole::Owner), scene.db.system_uow());
    scene.record(&ctx, 2).await;
    let first = anchored(&scene).await;
    scene.record(&ctx, 2).await;
    let second = anchored(&scene).await;
    let check = async |anchor: &str| verify_anchor(&system, &scene.signer, anchor).await.unwrap();
    assert_eq!((check(&first).await, check(&second).await), (None, None));
    tamper(
        &scene,
        &format!("{}; delete from audit_checkpoints where round = 2; delete from audit_rounds where round = 2", cut(&ctx, 2)),
    )
    .await;
    assert_eq!(broken(&scene).await, [] as [&str; 0], "sound in itself");
    assert_eq!(check(&first).await, None);
    assert_eq!(check(&second).await.unwrap(), "round 2 is gone: the database is older than this line, or was cut");
    scene.record(&ctx, 1).await;
    sign_heads_now(&scene).await;
    assert_eq!(check(&second).await.unwrap(), "round 2 holds other heads than were signed then");
    assert!(check("nonsense").await.unwrap().contains("not an anchor"));
    let forged = second.replace("audit-round/1 2 1", "audit-round/1 2 9");
    assert!(check(&forged).await.unwrap().contains("its signature does not hold"));
    let stranger = Signer::from_seed(&[9; 32]).unwrap();
    assert!(verify_anchor(&system, &stranger, &first).await.unwrap().unwrap().contains("not configured"));
}

#[tokio::test]
async fn a_head_is_signed_on_request_and_checked_with_the_public_key() {
    let scene = Scene::new().await;
    let ctx = ctx(OrgRole::Owner);
    scene.record(&ctx, 2).await;
    let head = scene.audit.head(&ctx).await.unwrap();
    assert_eq!((head.org, head.sequence, head.hash), (ctx.org, 2, scene.verify(&ctx).await.head_hash));
    assert!(head.statement.starts_with(&format!("14build/audit-head/1 {} 2 {} ", ctx.org, hex::encode(head.hash))));
    let keys = scene.audit.keys();
    assert_eq!(keys.iter().map(|key| (key.id.as_str(), key.current)).collect::<Vec<_>>(), [(head.key_id.as_str(), true)]);
    let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, keys[0].bytes);
    assert!(key.verify(head.statement.as_bytes(), &head.signature).is_ok());
}
