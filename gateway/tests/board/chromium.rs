//! A browser at work: headless Chromium, driven by its own protocol over two pipes, so that no port and no library is needed.
//!
//! Messages are JSON, each ended by a zero byte. `--remote-debugging-pipe` takes them on descriptor 3 and answers on 4.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// How long a page may take until what is awaited is there, milliseconds. It ends a test that would wait for ever.
const PATIENCE_MS: u64 = 60_000;

/// A browser with one page.
pub(crate) struct Chromium {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    session: Option<String>,
    asked: u64,
    _profile: tempfile::TempDir,
}

impl Chromium {
    /// Starts one. `None`, with a word about it, where none is installed.
    #[expect(clippy::print_stdout, reason = "it says what was not tried")]
    pub(crate) fn start() -> Option<Self> {
        let installed =
            Command::new("chromium").arg("--version").output().is_ok_and(|said| said.status.success());
        if !installed {
            assert!(
                std::env::var_os("DOORBUSTER_ALL_TOOLS").is_none(),
                "no chromium; install Debian's chromium"
            );
            println!("NOT TESTED in a browser: there is no chromium; install Debian's chromium");
            return None;
        }
        let profile = tempfile::tempdir().expect("a folder");
        let flags = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-extensions \
                     --disable-background-networking --hide-scrollbars --remote-debugging-pipe";
        let script =
            format!("exec chromium {flags} --user-data-dir=\"$1\" 3<&0 4>&1 </dev/null >/dev/null 2>&1");
        let mut child = Command::new("sh")
            .args(["-c", &script, "sh"])
            .arg(profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let asks = child.stdin.take().expect("it is piped");
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut browser = Self { child, asks, answers, session: None, asked: 0, _profile: profile };
        let target = browser.ask("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.ask("Target.attachToTarget", &attach);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        Some(browser)
    }

    /// Sends a command and gives its result. Events in between are left out.
    pub(crate) fn ask(&mut self, method: &str, parameters: &Value) -> Value {
        self.asked += 1;
        let mut message = json!({ "id": self.asked, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.asks.write_all(&bytes).expect("chromium listens");
        loop {
            let mut answer = Vec::new();
            self.answers.read_until(0, &mut answer).expect("chromium answers");
            assert_eq!(answer.pop(), Some(0), "chromium ended");
            let answer: Value = serde_json::from_slice(&answer).expect("JSON");
            if answer["id"] == json!(self.asked) {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
        }
    }

    /// The value of an expression in the page; a promise's when it is kept.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let ask = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.ask("Runtime.evaluate", &ask);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    pub(crate) fn open(&mut self, url: &str) {
        let opened = self.ask("Page.navigate", &json!({ "url": url }));
        assert!(opened["errorText"].is_null(), "{url}: {opened}");
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'");
    }

    /// Waits until an expression holds in the page. It is looked at whenever the page changes, and now and then.
    pub(crate) fn until(&mut self, holds: &str) {
        let wait = format!(
            "new Promise((kept, broken) => {{
               const look = () => {{ if ({holds}) {{ kept(); watch.disconnect(); clearInterval(often); }} }};
               const watch = new MutationObserver(look);
               watch.observe(document, {{ subtree: true, childList: true, characterData: true, attributes: true }});
               const often = setInterval(look, 50);
               setTimeout(() => broken(new Error(document.body.innerText)), {PATIENCE_MS});
               look();
             }})"
        );
        self.value(&wait);
    }

    /// The text of an element, as it stands there.
    pub(crate) fn text(&mut self, selector: &str) -> String {
        let text = self.value(&format!("document.querySelector({}).textContent", json!(selector)));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// What a mouse does in the middle of an element.
    pub(crate) fn click(&mut self, selector: &str) {
        let place = self.value(&format!(
            "(() => {{ const e = document.querySelector({}); e.scrollIntoView({{ block: 'center' }}); const r = e.getBoundingClientRect();
               return [r.x + r.width / 2, r.y + r.height / 2]; }})()",
            json!(selector)
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let event =
                json!({ "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1 });
            self.ask("Input.dispatchMouseEvent", &event);
        }
    }

    /// What a keyboard does.
    pub(crate) fn write(&mut self, text: &str) {
        self.ask("Input.insertText", &json!({ "text": text }));
    }

    /// A window of this size, light or dark.
    pub(crate) fn window(&mut self, (width, height): (u32, u32), dark: bool, phone: bool) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone });
        self.ask("Emulation.setDeviceMetricsOverride", &size);
        let scheme =
            json!([{ "name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" } }]);
        self.ask("Emulation.setEmulatedMedia", &json!({ "features": scheme }));
    }

    /// The whole page as a PNG.
    pub(crate) fn picture(&mut self) -> Vec<u8> {
        let shot = json!({ "format": "png", "captureBeyondViewport": true });
        let taken = self.ask("Page.captureScreenshot", &shot);
        from_base64(taken["data"].as_str().unwrap_or_default())
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // It ends when its pipe does; a test that fails doesn't wait for that.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn from_base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.bytes().filter_map(|byte| DIGITS.iter().position(|digit| *digit == byte));
    let digits: Vec<u8> = digits.filter_map(|digit| u8::try_from(digit).ok()).collect();
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for four in digits.chunks(4) {
        let number = four.iter().fold(0_u32, |number, digit| number << 6 | u32::from(*digit))
            << (6 * (4 - four.len()));
        bytes.extend(&number.to_be_bytes()[1..four.len()]);
    }
    bytes
}

#[test]
fn base64_is_read_whatever_its_length() {
    for (text, bytes) in
        [("", &b""[..]), ("Zg==", b"f"), ("Zm8=", b"fo"), ("Zm9v", b"foo"), ("Zm9vYg==", b"foob")]
    {
        assert_eq!(from_base64(text), bytes);
    }
}
