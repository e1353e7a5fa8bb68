use venomqa::prelude::*;

/// A call and what is expected of it: `"POST /orders"`, its body or null, the status, and the answer or null for one that does not
/// matter. A text stands for the message of a refusal, of which it is a part.
pub(crate) type Turn<'a> = (&'a str, Value, u16, Value);

/// Makes these calls, one after the other.
pub(crate) async fn talk(api: &HttpClient, turns: impl IntoIterator<Item = Turn<'_>>) {
    for (call, body, status, expected) in turns {
        let (method, path) = call.split_once(' ').expect("a method and a path");
        let request = api.request(method, path);
        let request = match body {
            Value::Null => request,
            body => request.json(&body),
        };
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{call}: {answer:?}");
        match expected {
            Value::Null => {}
            Value::String(part) => {
                let refusal = answer.json().expect("a refusal in JSON");
                let message = refusal["message"].as_str().expect("a message");
                assert!(message.contains(&part), "{call}: {message}");
            }
            expected => assert_eq!(answer.json().expect("JSON"), expected, "{call}"),
        }
    }
}

/// The answers to these reads.
pub(crate) async fn seen(api: &HttpClient, paths: &[&str]) -> Vec<String> {
    let mut seen = Vec::new();
    for path in paths {
        let answer = api.get(path).send().await.expect("an answer");
        seen.push(format!("{path}: {} {}", answer.status(), answer.text()));
    }
    seen
}

/// The server with these variables does not start, and says why.
pub(crate) async fn does_not_start(program: &str, variables: &[(&str, &str)], why: &str) {
    let mut command = Command::new(program);
    for name in ["DATABASE_URL", "REDIS_URL", "GATEWAY_URL"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    let error = Server::spawn(command).ready_when("/health").await;
    let error = error.expect_err("it does not start").to_string();
    assert!(error.contains("exited with code 1"), "{error}");
    assert!(error.contains(why), "{why}: {error}");
}
