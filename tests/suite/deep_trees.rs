//! Trees and chains of links that are deeper than a recursive function's stack. Tests run on a stack of 2 MiB.

use greenroom::prelude::*;
use greenroom::{ChildSpec, Strategy, SupervisionRef, Supervisor};

use crate::scripted::does;

const LEVELS: usize = 3_000;

fn department(levels: usize) -> Supervisor {
    let supervisor = Supervisor::new(Strategy::OneForOne).name("d");
    match levels {
        1 => supervisor,
        _ => supervisor.child("d", ChildSpec::supervisor(move || department(levels - 1))),
    }
}

#[greenroom::test]
async fn a_deep_tree_starts_is_described_and_drawn_and_stops() {
    let company: SupervisionRef = department(LEVELS).start().await.unwrap();
    let description = company.describe().await.unwrap();
    let (mut deepest, mut levels) = (&description, 1);
    while let Some(below) = deepest.child("d") {
        (deepest, levels) = (below, levels + 1);
    }
    assert_eq!(levels, LEVELS);
    let drawing = description.to_string();
    assert_eq!(drawing.lines().count(), LEVELS);
    assert!(drawing.lines().last().unwrap().starts_with(&" ".repeat(3 * (LEVELS - 2))));
    let copy = description.clone();
    assert!(copy == description);
    assert!(format!("{copy:?}").matches("SupervisorInfo").count() >= LEVELS);
    drop((copy, description));
    assert_eq!(TreeStub::stop(&company).await, Exit::shutdown());
    drop(company);
}

#[greenroom::test]
async fn a_deep_branch_that_was_added_at_run_time_is_removed() {
    let company = Supervisor::new(Strategy::OneForOne).start().await.unwrap();
    let branch = ChildSpec::supervisor(|| department(LEVELS));
    company.start_child::<SupervisionRef>("branch", branch).await.unwrap();
    company.terminate_child("branch").await.unwrap();
    company.delete_child("branch").await.unwrap();
    assert_eq!(company.count_children().await.unwrap().specs, 0);
}

#[greenroom::test]
async fn a_long_chain_of_links_ends_as_a_whole() {
    let mut last = does(|_| Box::pin(std::future::pending())).spawn();
    let first = last.clone();
    for _ in 1..LEVELS {
        let before = last.clone();
        last = does(move |cx| {
            Box::pin(async move {
                cx.link(&before);
                std::future::pending::<()>().await;
            })
        })
        .spawn();
    }
    let ended = last.ended();
    crate::scripted::settle().await;
    first.exit(Exit::error("a broken link"));
    assert_eq!(ended.await, Exit::error("a broken link"));
}
