use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use greenroom::prelude::*;

#[protocol]
enum Mail {
    Post(Vec<Rc<str>>),
    Count { total: Rc<RefCell<u64>> },
    Add { total: Arc<RefCell<u64>> },
}

fn send(mail: MailRef) {
    mail.count(1);
}

fn main() {}
