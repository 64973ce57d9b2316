//! Trees and chains of links that are deeper than a recursive function's stack. Tests run on a stack of 2 MiB.

use greenroom::prelude::*;
use greenroom::{ChildSpec, Description, Strategy, SupervisionRef, Supervisor};

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
    let text = serde_json::to_string(&description).unwrap();
    assert!(serde_json::from_str::<Description>(&text).unwrap() == description);
    drop((copy, description));
    assert_eq!(TreeStub::stop(&company).await, Exit::shutdown());
    drop(company);
}

#[greenroom::test]
async fn a_written_description_that_is_not_a_tree_is_refused() {
    let company = department(3).start().await.unwrap();
    let description = company.describe().await.unwrap();
    let written = serde_json::to_value(&description).unwrap();
    assert_eq!(serde_json::from_value::<Description>(written.clone()).unwrap(), description);
    let with = |at: usize, field: usize, value: u64| {
        let mut changed = written.clone();
        changed[at][field] = value.into();
        serde_json::from_value::<Description>(changed).map(drop).map_err(|error| error.to_string())
    };
    let refused = Err("a supervisor of a description comes before its parent".to_owned());
    // Its own parent, a parent that follows, a parent that does not exist, a child that does not exist.
    assert_eq!([with(1, 0, 1), with(1, 0, 2), with(2, 0, 9), with(2, 1, 1)], [(); 4].map(|()| refused.clone()));
    let empty = serde_json::from_str::<Description>("[]").unwrap_err();
    assert_eq!(empty.to_string(), "a description without a supervisor");
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
