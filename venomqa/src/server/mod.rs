//! stub
use crate::{HttpClient, Result};
#[derive(Debug)]
/// stub
pub struct Server;
#[allow(missing_docs, clippy::unused_async)]
impl Server {
    pub fn client(&self) -> HttpClient {
        HttpClient::new("http://127.0.0.1:1").unwrap()
    }
    pub fn logs(&self) -> String {
        String::new()
    }
    pub fn is_alive(&self) -> bool {
        true
    }
    pub async fn restart(&self) -> Result<()> {
        Ok(())
    }
    pub async fn stop(&self) -> Result<()> {
        Ok(())
    }
    pub fn is_stateful(&self) -> bool {
        false
    }
    pub fn exit_status(&self) -> Option<String> {
        None
    }
}
