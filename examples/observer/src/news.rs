use std::collections::{BTreeMap, VecDeque};
use std::time::{SystemTime, UNIX_EPOCH};

use greenroom::{Alarm, AlarmEvent, Metrics, Pid};
use serde::{Deserialize, Serialize};

use crate::Twig;

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
    /// How often: an alarm that comes and goes again and again is told once.
    pub times: u64,
}

/// What something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A supervisor has started a child again.
    Restart,
    /// Processes ended that should not have.
    Crash,
    /// An alarm is raised.
    Alarm,
    /// An alarm is over.
    Over,
}

/// What makes two alarms the same: what is wrong, and with whom.
#[derive(PartialEq, Eq)]
struct Same(&'static str, Option<Pid>);

impl Same {
    fn of(alarm: &Alarm) -> Same {
        Same(alarm.name(), alarm.pid().cloned())
    }
}

/// What has happened, the latest last, and what it is told apart by.
#[derive(Default)]
pub(crate) struct Chronicle {
    all: VecDeque<(News, Option<Same>)>,
    count: u64,
    /// By path: how often a child has been started.
    starts: BTreeMap<String, u64>,
    /// By protocol and reason: how many have crashed.
    ended: BTreeMap<(String, &'static str), u64>,
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

    /// Notes who has been started again since the last time. `first` is how it all was when nobody had looked yet.
    pub(crate) fn trees(&mut self, twigs: &[Twig], first: bool) {
        let mut starts = BTreeMap::new();
        for twig in twigs.iter().filter(|twig| twig.starts > 0) {
            // A child that was not there before may have been started more than once by now.
            let before = self.starts.get(&twig.path).copied().unwrap_or(1);
            if twig.starts > before && !first {
                let times = if twig.starts == before + 1 { "" } else { ", more than once" };
                let who = twig.pid.as_deref().unwrap_or("and is down");
                self.add(Kind::Restart, format!("{} is started again{times}: {who}, start {}", twig.path, twig.starts));
            }
            starts.insert(twig.path.clone(), twig.starts);
        }
        self.starts = starts;
    }

    /// Notes who has crashed since the last time.
    pub(crate) fn crashes(&mut self, metrics: &Metrics, first: bool) {
        for (protocol, figures) in &metrics.protocols {
            let ended = figures.ended.by_reason();
            for (reason, count) in ended.into_iter().filter(|(reason, _)| ["panic", "error", "killed"].contains(reason))
            {
                let before = self.ended.insert((protocol.clone(), reason), count).unwrap_or(0);
                if count > before && !first {
                    let processes = if count == before + 1 { "a process" } else { "processes" };
                    self.add(Kind::Crash, format!("{processes} of {protocol} ended: {reason} ({})", count - before));
                }
            }
        }
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
