//! Tests that run the programs of `tests/src/expansion`.

use greenroom::prelude::*;
use greenroom_tests::expansion::patterns::{DrawRef, Shape};
use greenroom_tests::expansion::{bare, everyday, features, generic, patterns, raw, shadowed};

#[greenroom::test]
async fn in_everyday_code() -> greenroom::Result {
    let office = everyday::Office { urgent: 10 }.start().await?;
    let (sorter, counter) = (office.sorter(), office.counter());
    sorter.post(1, "low".into()).await?;
    sorter.post(11, "high".into()).await?;
    assert_eq!(sorter.collect().await?, ["high", "low"]);
    counter.add(2).await?;
    assert_eq!(counter.count().await?, 2);
    assert_eq!(counter.ignore(7, 8).await?, (8, true));
    let final_count = counter.final_count();
    counter.set(5).await?;
    assert_eq!(counter.count().await?, 5);
    TreeStub::stop(&office).await;
    assert_eq!(final_count.await?, 5);
    Ok(())
}

#[greenroom::test]
async fn without_the_prelude() -> greenroom::Result {
    let office = bare::Office {}.start().await?;
    office.sorter().post("second".into()).await?;
    assert_eq!(office.sorter().take().await?, "second");
    office.counter().add(2).await?;
    assert_eq!(office.counter().count().await?, 9);
    Ok(())
}

#[greenroom::test]
async fn with_a_shadowed_prelude() -> greenroom::Result {
    let office = shadowed::Office {}.start().await?;
    office.sorter().post("first".into()).await?;
    assert_eq!(office.sorter().take().await?, "first");
    Ok(())
}

#[greenroom::test]
async fn generics() -> greenroom::Result {
    let store = generic::Store { values: [(1u8, "one".to_owned())].into() }.spawn();
    store.put(2, "two".into());
    assert_eq!(store.get(2).await?.as_deref(), Some("two"));
    let shelf = generic::Shelf { label: 7u8 }.start().await?;
    for value in 1..=3 {
        shelf.bag().put(value);
    }
    assert_eq!(shelf.bag().text().await?, "[1, 2]");
    Ok(())
}

#[greenroom::test]
async fn with_features() -> greenroom::Result {
    let office = features::Office {}.start().await?;
    office.sorter().post("hello".into());
    assert_eq!(office.sorter().take().await?, "hello");
    office.counter().add(2);
    assert_eq!(office.counter().count().await?, 3);
    Ok(())
}

#[greenroom::test]
async fn keywords_as_names() -> greenroom::Result {
    let robot = raw::r#struct { r#mod: Vec::new() }.spawn();
    robot.r#move(1);
    robot.r#yield(2);
    robot.self_();
    assert_eq!(robot.r#await().await?, [1, 2]);
    robot.named(true);
    assert_eq!(robot.ended().await, Exit::Normal);
    let tree = raw::r#trait {}.start().await?;
    tree.r#const().r#for(3);
    assert_eq!(tree.r#const().r#loop().await?, 3);
    Ok(())
}

/// One message for each pattern, in the order of the arms.
#[greenroom::test]
async fn patterns_of_every_kind() -> greenroom::Result {
    let collector = greenroom::spawn(|mut mailbox: Mailbox<Collector>| async move {
        let reply = receive!(match mailbox {
            Collector::Lines { reply } => reply,
        });
        draw(&greenroom::spawn(|mailbox| patterns::matched_arms(mailbox, reply)));
    });
    let lines = collector.lines().await?;
    assert_eq!(
        lines,
        [
            "point",
            "Circle(3) 3",
            "Circle(7) 7",
            "single Circle(4)",
            "single Point",
            "large 4",
            "large 5",
            "thin 2",
            "Rect { width: 3, height: 2 } and Some(Point)",
            "zero",
            "hex 12",
            "letter",
            "draw",
            "long",
            "[2, 3]",
            "[1, 2]",
            "bytes",
            "text",
        ]
    );
    Ok(())
}

/// A call whose reply the drawing sends.
#[protocol(local)]
enum Collector {
    Lines { reply: Reply<Vec<String>> },
}

fn draw(drawing: &DrawRef) {
    use Shape::{Circle, Point, Rect};
    for shape in [Point, Circle(3), Circle(7), Circle(4)] {
        drawing.one(shape);
    }
    drawing.pair(Point, None);
    drawing.pair(Circle(4), Some(Circle(9)));
    drawing.pair(Circle(1), Some(Circle(5)));
    drawing.pair(Rect { width: 1, height: 2 }, Some(Point));
    drawing.pair(Rect { width: 2, height: 2 }, Some(Point));
    for letter in ['0', 'c', 'a'] {
        drawing.letter(letter);
    }
    for text in ["draw", "longer"] {
        drawing.text(text.into());
    }
    for bytes in [[0, 2, 3], [1, 2, 0], [1, 2, 3]] {
        drawing.bytes(bytes);
    }
    drawing.text("text".into());
    drawing.end();
}
