//! Disputes and warnings at the in-memory provider, and what a dispute does to the balance.

use kernel::Money;

use super::FakeProvider;
use crate::{BalanceMovement, DisputeStage, DisputeState, FraudWarning};

impl FakeProvider {
    /// The payer's bank disputes the charge of a paid intent, or says how its dispute stands now.
    pub fn dispute(&self, intent: &str, stage: DisputeStage) -> String {
        let status = match stage {
            DisputeStage::Inquiry => "warning_needs_response",
            DisputeStage::InquiryClosed => "warning_closed",
            DisputeStage::Open => "needs_response",
            DisputeStage::WonUnpaid | DisputeStage::Won => "won",
            DisputeStage::Lost => "lost",
        };
        let mut state = self.state();
        let charge = format!("ch_{intent}");
        if stage >= DisputeStage::Open
            && let Some(charge) = state.charge(&charge)
        {
            charge.disputed = true;
        }
        if let Some(known) = state.disputes.iter_mut().find(|dispute| dispute.charge == charge) {
            (known.stage, known.status) = (stage, status.to_owned());
            return known.id.clone();
        }
        let (id, amount) =
            (state.id("dp"), state.intents.get(intent).map_or_else(String::new, |intent| intent.amount.to_string()));
        state.disputes.push(DisputeState {
            id: id.clone(),
            charge,
            intent: Some(intent.to_owned()),
            status: status.to_owned(),
            stage,
            amount,
            reason: "fraudulent".to_owned(),
            booked: Vec::new(),
        });
        id
    }

    /// The card's network warns of fraud.
    pub fn warn(&self, intent: &str) -> String {
        let mut state = self.state();
        let id = state.id("issfr");
        state.warnings.push(FraudWarning {
            id: id.clone(),
            charge: format!("ch_{intent}"),
            intent: Some(intent.to_owned()),
            fraud_type: "unauthorized_use_of_card".to_owned(),
        });
        id
    }

    /// The payer's bank takes what is disputed, or gives it back (above zero), as the provider books it.
    pub fn books_dispute(&self, dispute: &str, id: &str, amount: Money, fee: Money) {
        let movement = BalanceMovement {
            id: id.to_owned(),
            kind: "adjustment".to_owned(),
            source: Some(dispute.to_owned()),
            amount,
            fee,
            available: true,
        };
        self.books(movement.clone());
        if let Some(known) = self.state().disputes.iter_mut().find(|known| known.id == dispute) {
            known.booked.push(movement);
        }
    }
}
