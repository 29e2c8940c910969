# Three topics of our own: one that rings (`bells.tf` subscribes to it), for the spec bucket's own notification where
# Eventarc is not wanted and for whatever else is to ring by Pub/Sub; one that tells what is new; and one for what
# could not be delivered.

resource "google_pubsub_topic" "notifications" {
  name       = "${var.name}-notifications"
  labels     = local.labels
  depends_on = [google_project_service.needed]
}

resource "google_storage_notification" "specs" {
  count = var.doorbell == "pubsub" ? 1 : 0

  bucket         = google_storage_bucket.specs.name
  topic          = google_pubsub_topic.notifications.id
  payload_format = "NONE"
  event_types    = ["OBJECT_FINALIZE", "OBJECT_DELETE", "OBJECT_ARCHIVE"]
  depends_on     = [google_project_iam_member.storage_publishes]
}

# What is new is told here: changes of a condition, plans that wait for an approval, rollouts, rotations, backups. Who
# wants to hear of it makes a subscription; see docs/notices in the repository for what a message looks like.
resource "google_pubsub_topic" "notices" {
  name       = "${var.name}-notices"
  labels     = local.labels
  depends_on = [google_project_service.needed]
}

resource "google_pubsub_topic_iam_member" "reconciler_tells" {
  topic  = google_pubsub_topic.notices.id
  role   = "roles/pubsub.publisher"
  member = google_service_account.reconciler.member
}

resource "google_pubsub_topic" "dead" {
  name       = "${var.name}-dead"
  labels     = local.labels
  depends_on = [google_project_service.needed]
}

# A topic without a subscription loses what is sent to it.
resource "google_pubsub_subscription" "dead" {
  name                       = "${var.name}-dead"
  topic                      = google_pubsub_topic.dead.id
  message_retention_duration = "2678400s"
  labels                     = local.labels

  expiration_policy {
    ttl = ""
  }
}

# Without it, and `bells_dead_letters_out` beside the subscriptions, nothing is ever forwarded, and nobody is told.
resource "google_pubsub_topic_iam_member" "dead_letters_in" {
  topic  = google_pubsub_topic.dead.id
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}
