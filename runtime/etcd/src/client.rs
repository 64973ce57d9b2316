//! Requests to the members of etcd.

use std::error::Error;
use std::future::Future;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::answer::{Authenticated, Reported, Streamed};
use crate::builder::Connector;
use crate::error::Failure;

/// The largest answer, and the largest message of a stream, in bytes.
const LARGEST: usize = 16 << 20;
/// The connections to a member that are kept for later requests.
const IDLE: usize = 4;

/// The members of etcd, and the connections to them.
pub(crate) struct Client {
    http: legacy::Client<Connector, Full<Bytes>>,
    members: Vec<Uri>,
    /// The index of the member that answered last.
    preferred: AtomicUsize,
    /// The time that one member has to answer.
    limit: Duration,
    user: Option<User>,
}

/// A user of etcd.
struct User {
    name: String,
    password: String,
    /// The token of the last authentication.
    token: Mutex<Option<HeaderValue>>,
}

impl Client {
    pub(crate) fn new(
        connector: Connector,
        members: Vec<Uri>,
        limit: Duration,
        user: Option<(String, String)>,
    ) -> Client {
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        let user = user.map(|(name, password)| User { name, password, token: Mutex::new(None) });
        Client { http, members, preferred: AtomicUsize::new(0), limit, user }
    }

    pub(crate) fn members(&self) -> &[Uri] {
        &self.members
    }

    /// Sends a request, and returns the answer.
    pub(crate) async fn call<A: DeserializeOwned>(&self, path: &str, request: &Value) -> Result<A, Failure> {
        let answer = self.request(path, request).await?;
        serde_json::from_slice(&answer).map_err(Failure::unexpected)
    }

    /// Sends a request whose answer is a stream of one message, and returns that message.
    pub(crate) async fn call_stream<A: DeserializeOwned>(&self, path: &str, request: &Value) -> Result<A, Failure> {
        message(&self.request(path, request).await?)
    }

    /// Sends a request whose answer is a stream, first to the member with this index. Returns the first message, the rest
    /// of the stream, and the index of the member that answered.
    pub(crate) async fn open<A: DeserializeOwned>(
        &self,
        path: &str,
        request: &Value,
        first: usize,
    ) -> Result<(A, Lines, usize), Failure> {
        let (index, (line, lines)) = self.request_from(first, path, request, first_line).await?;
        Ok((message(&line)?, lines, index))
    }

    /// Sends a request, first to the member that answered the previous one, and returns the answer.
    async fn request(&self, path: &str, request: &Value) -> Result<Bytes, Failure> {
        let first = self.preferred.load(Ordering::Relaxed);
        let (index, answer) = self.request_from(first, path, request, whole).await?;
        self.preferred.store(index, Ordering::Relaxed);
        Ok(answer)
    }

    /// Sends the request to one member after another, until one of them answers.
    async fn request_from<T, R>(
        &self,
        first: usize,
        path: &str,
        request: &Value,
        read: fn(Incoming) -> R,
    ) -> Result<(usize, T), Failure>
    where
        R: Future<Output = Result<T, Failure>>,
    {
        let body = Bytes::from(request.to_string());
        let mut failures = Vec::new();
        for index in (0..self.members.len()).map(|offset| (first + offset) % self.members.len()) {
            let member = &self.members[index];
            let attempt = async { read(self.authorized(member, path, &body).await?.into_body()).await };
            let failure = match timeout(self.limit, attempt).await {
                Ok(Ok(answer)) => return Ok((index, answer)),
                Ok(Err(failure)) if failure.is_passing() => failure,
                Ok(Err(failure)) => return Err(failure),
                Err(_) => Failure::NoAnswer(format!("no answer within {:?}", self.limit)),
            };
            failures.push(format!("{}: {failure}", member.authority().expect("it was checked")));
        }
        Err(Failure::NoAnswer(failures.join("; ")))
    }

    /// Sends a request with the token of the user, if there is one. A token can end at any time.
    async fn authorized(&self, member: &Uri, path: &str, body: &Bytes) -> Result<Response<Incoming>, Failure> {
        let Some(user) = &self.user else { return self.send(member, path, body.clone(), None).await };
        let token = self.token(member, user, None).await?;
        match self.send(member, path, body.clone(), Some(token.clone())).await {
            Err(failure) if failure.is_old_token() => {
                let token = self.token(member, user, Some(token)).await?;
                self.send(member, path, body.clone(), Some(token)).await
            }
            result => result,
        }
    }

    /// Returns a token that is not this one.
    async fn token(&self, member: &Uri, user: &User, old: Option<HeaderValue>) -> Result<HeaderValue, Failure> {
        let mut token = user.token.lock().await;
        if let Some(token) = &*token
            && old.as_ref() != Some(token)
        {
            return Ok(token.clone());
        }
        let request = json!({ "name": user.name, "password": user.password }).to_string();
        let response = self.send(member, "auth/authenticate", request.into(), None).await?;
        let answer: Authenticated =
            serde_json::from_slice(&whole(response.into_body()).await?).map_err(Failure::unexpected)?;
        let mut value = HeaderValue::try_from(answer.token).map_err(Failure::unexpected)?;
        value.set_sensitive(true);
        Ok(token.insert(value).clone())
    }

    async fn send(
        &self,
        member: &Uri,
        path: &str,
        body: Bytes,
        token: Option<HeaderValue>,
    ) -> Result<Response<Incoming>, Failure> {
        let mut request = Request::post(format!("{member}v3/{path}"))
            .header(CONTENT_TYPE, "application/json")
            // A stream ends if its member has no leader. Other requests need a leader anyway.
            .header("Grpc-Metadata-hasleader", "true")
            .body(Full::new(body))
            .expect("the address was checked");
        if let Some(token) = token {
            request.headers_mut().insert(AUTHORIZATION, token);
        }
        let response = self.http.request(request).await.map_err(|error| Failure::NoAnswer(causes(&error)))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        match serde_json::from_slice(&whole(response.into_body()).await?) {
            Ok(Reported { code, message }) => Err(Failure::Reported { code, message }),
            Err(_) if status == StatusCode::NOT_FOUND => Err(Failure::NoAnswer("it has no JSON gateway".into())),
            Err(_) => Err(Failure::unexpected(status)),
        }
    }
}

/// The rest of a stream of messages: lines of JSON.
pub(crate) struct Lines {
    body: Incoming,
    /// The bytes after the last line.
    buffer: Vec<u8>,
}

impl Lines {
    /// Waits for the next message.
    pub(crate) async fn next<A: DeserializeOwned>(&mut self) -> Result<A, Failure> {
        message(&self.line().await?)
    }

    async fn line(&mut self) -> Result<Vec<u8>, Failure> {
        let mut searched = 0;
        loop {
            if let Some(length) = self.buffer[searched..].iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(searched + length + 1);
                return Ok(mem::replace(&mut self.buffer, rest));
            }
            searched = self.buffer.len();
            if searched > LARGEST {
                return Err(Failure::unexpected(format_args!("a message of more than {LARGEST} bytes")));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => self.buffer.extend_from_slice(frame.data_ref().map_or(&[], Bytes::as_ref)),
                Some(Err(error)) => return Err(Failure::NoAnswer(causes(&error))),
                None => return Err(Failure::NoAnswer("the stream has ended".into())),
            }
        }
    }
}

async fn first_line(body: Incoming) -> Result<(Vec<u8>, Lines), Failure> {
    let mut lines = Lines { body, buffer: Vec::new() };
    Ok((lines.line().await?, lines))
}

async fn whole(body: Incoming) -> Result<Bytes, Failure> {
    match Limited::new(body, LARGEST).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) => Err(Failure::NoAnswer(causes(&*error))),
    }
}

/// Reads a message of a stream.
fn message<A: DeserializeOwned>(line: &[u8]) -> Result<A, Failure> {
    match serde_json::from_slice(line).map_err(Failure::unexpected)? {
        Streamed::Result(result) => Ok(result),
        Streamed::Error(Reported { code, message }) => Err(Failure::Reported { code, message }),
    }
}

/// Returns the text of an error with those of its causes.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
