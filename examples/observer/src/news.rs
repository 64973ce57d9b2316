use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use greenroom::{Alarm, AlarmEvent, LifecycleEvent, Pid};
use serde::{Deserialize, Serialize};

/// So many are remembered.
const MOST_NEWS: usize = 100;

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// Counts up, so that nothing is shown twice.
    pub number: u64,
    /// When it was noticed, in milliseconds since 1970.
    pub at: u64,
    /// What it is about.
    pub kind: Kind,
    /// In words.
    pub text: String,
    /// How often: what happens again and again is told once.
    pub times: u64,
}

/// What something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A supervisor has started a child again.
    Restart,
    /// A process ended that should not have, or a supervisor gave up.
    Crash,
    /// An alarm is raised.
    Alarm,
    /// An alarm is over.
    Over,
}

/// What makes two pieces of news the same, so that the later one takes the place of the earlier.
#[derive(PartialEq, Eq)]
enum Same {
    /// What is wrong, and with whom.
    Alarm(&'static str, Option<Pid>),
    /// A process in this place, or of this kind if it has none.
    Crash(String),
    /// A child with this path.
    Restart(String),
}

impl Same {
    fn of(alarm: &Alarm) -> Same {
        Same::Alarm(alarm.name(), alarm.pid().cloned())
    }
}

/// What has happened, the latest last, and what it is told apart by.
#[derive(Default)]
pub(crate) struct Chronicle {
    all: VecDeque<(News, Option<Same>)>,
    count: u64,
}

impl Chronicle {
    pub(crate) fn all(&self) -> Vec<News> {
        self.all.iter().map(|(news, _)| news).cloned().collect()
    }

    fn add(&mut self, kind: Kind, text: String) {
        self.tell(kind, text, None);
    }

    fn tell(&mut self, kind: Kind, text: String, same: Option<Same>) {
        let earlier = self.all.iter().position(|(_, of)| same.is_some() && *of == same);
        let earlier = earlier.and_then(|at| self.all.remove(at));
        let times = earlier.map_or(0, |(news, _)| news.times) + u64::from(kind != Kind::Over);
        if self.all.len() == MOST_NEWS {
            self.all.pop_front();
        }
        self.count += 1;
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        self.all.push_back((News { number: self.count, at, kind, text, times }, same));
    }

    pub(crate) fn alarm(&mut self, event: &AlarmEvent) {
        match event {
            AlarmEvent::Raised(alarm) => self.tell(Kind::Alarm, alarm.to_string(), Some(Same::of(alarm))),
            AlarmEvent::Cleared(alarm) => self.tell(Kind::Over, format!("over: {alarm}"), Some(Same::of(alarm))),
            AlarmEvent::Missed(count) => self.add(Kind::Alarm, format!("{count} alarms came and went unseen")),
            _ => {}
        }
    }

    pub(crate) fn life(&mut self, event: &LifecycleEvent) {
        let (kind, same) = match event {
            LifecycleEvent::Crashed { path, kind, .. } => {
                (Kind::Crash, Same::Crash(path.clone().unwrap_or_else(|| kind.to_string())))
            }
            LifecycleEvent::Restarted { supervisor, child, .. } => {
                (Kind::Restart, Same::Restart(format!("{supervisor}/{child}")))
            }
            LifecycleEvent::GaveUp { .. } | LifecycleEvent::Missed(_) => {
                return self.add(Kind::Crash, event.to_string());
            }
            _ => return,
        };
        self.tell(kind, event.to_string(), Some(same));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_that_comes_and_goes_is_told_once_and_news_are_bounded() {
        let (supervisor, child) = ("/Office".to_owned(), "clerk".to_owned());
        let storm = Alarm::RestartStorm { supervisor, child, restarts: 5 };
        let mut chronicle = Chronicle::default();
        for _ in 0..3 {
            chronicle.alarm(&AlarmEvent::Raised(storm.clone()));
            chronicle.alarm(&AlarmEvent::Cleared(storm.clone()));
        }
        let [news] = &chronicle.all()[..] else { panic!("{:?}", chronicle.all()) };
        assert_eq!((news.number, news.kind, news.times), (6, Kind::Over, 3));
        for _ in 0..1000 {
            chronicle.add(Kind::Restart, "again".to_owned());
        }
        assert_eq!((chronicle.all().len(), chronicle.all()[99].number), (MOST_NEWS, 1006));
    }
}
