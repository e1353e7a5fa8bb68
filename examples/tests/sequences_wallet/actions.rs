//! What Alice, Bob and Carol do, whose accounts are numbers 1, 2 and 3.

use venomqa::prelude::*;

#[action]
async fn deposit(api: &HttpClient) -> ActionResult {
    let money = json!({ "amount": 50 });
    api.post("/accounts/1/deposit").json(&money).send().await
}

/// Alice pays Bob, Carol or, by mistake, herself.
#[action]
async fn transfer(api: &HttpClient, ctx: &mut Context, #[values(2, 3, 1)] to: i64) -> ActionResult {
    let transfer = json!({ "from": 1, "to": to, "amount": 50 });
    let transferred = api.post("/transfers").json(&transfer).send().await?;
    if transferred.is_success() {
        ctx.set("transfer_id", transferred.json()?["id"].clone());
    }
    Ok(transferred)
}

#[action(requires("transfer_id"))]
async fn reverse(api: &HttpClient, ctx: &Context) -> ActionResult {
    let id: i64 = ctx.require("transfer_id")?;
    api.post(&format!("/transfers/{id}/reverse")).send().await
}

/// Bob takes all that he has.
#[action]
async fn withdraw(api: &HttpClient) -> ActionResult {
    let bob = api.get("/accounts/2").send().await?.json()?;
    let money = json!({ "amount": bob["balance"] });
    api.post("/accounts/2/withdraw").json(&money).send().await
}

#[action]
async fn freeze(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let frozen = api.post("/accounts/2/freeze").send().await?;
    if frozen.is_success() {
        ctx.set("frozen_with", frozen.json()?["balance"].clone());
    }
    Ok(frozen)
}

#[action]
async fn unfreeze(api: &HttpClient, ctx: &mut Context) -> ActionResult {
    let thawed = api.post("/accounts/2/unfreeze").send().await?;
    if thawed.is_success() {
        ctx.remove("frozen_with");
    }
    Ok(thawed)
}

/// Carol, who has nothing, leaves.
#[action]
async fn close(api: &HttpClient) -> ActionResult {
    api.post("/accounts/3/close").send().await
}
