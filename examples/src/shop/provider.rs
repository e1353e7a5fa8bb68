use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::server::Refusal;

/// The payment gateway, as the shop sees it.
#[derive(Debug, Clone)]
pub(super) struct Provider {
    url: String,
    client: reqwest::Client,
}

#[derive(Deserialize)]
struct Charge {
    id: i64,
}

impl Provider {
    pub(super) fn at(url: String) -> reqwest::Result<Self> {
        // It is on this machine, where a proxy would not find it.
        let client = reqwest::Client::builder().no_proxy();
        let client = client.timeout(Duration::from_secs(5)).build()?;
        Ok(Self { url, client })
    }

    /// Charges the customer, and returns the number of the charge.
    pub(super) async fn charge(&self, reference: &str, amount: i64) -> Result<i64, Refusal> {
        let body = json!({ "reference": reference, "amount": amount });
        let answer = self
            .client
            .post(format!("{}/charges", self.url))
            .header("Content-Type", "application/json")
            .body(body.to_string())
            .send()
            .await?
            .error_for_status()?;
        let charge: Charge = serde_json::from_slice(&answer.bytes().await?)?;
        Ok(charge.id)
    }

    /// Gives a charge back.
    pub(super) async fn refund(&self, charge: i64) -> Result<(), Refusal> {
        let url = format!("{}/charges/{charge}/refund", self.url);
        self.client.post(url).send().await?.error_for_status()?;
        Ok(())
    }
}
