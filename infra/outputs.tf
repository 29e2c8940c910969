output "spec_bucket" {
  description = "Where specs go: gcloud storage cp my-spec.yaml gs://BUCKET/"
  value       = google_storage_bucket.specs.name
}

output "state_bucket" {
  description = "Where status/NAME.json says how a deployment stands."
  value       = google_storage_bucket.state.name
}

output "service_url" {
  description = "The address that tokens are made out to."
  value       = local.service_url
}

output "reported_url" {
  description = "The address that Cloud Run reports for the service."
  value       = google_cloud_run_v2_service.reconciler.uri
}

output "service_account" {
  description = "The account that does the work; give it access to what lies outside of the project."
  value       = google_service_account.reconciler.email
}

output "notifications_topic" {
  description = "A topic whose messages are pushed to the service."
  value       = google_pubsub_topic.notifications.id
}

output "notices_topic" {
  description = "A topic on which the service tells what is new; make a subscription to hear of it."
  value       = google_pubsub_topic.notices.id
}

output "trigger_subscriptions" {
  description = "The subscriptions that Eventarc made, for the commands in the README."
  value = [
    for trigger in concat(values(google_eventarc_trigger.specs), values(google_eventarc_trigger.changes)) :
    trigger.transport[0].pubsub[0].subscription
  ]
}
