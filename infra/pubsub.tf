# A topic that rings: for the spec bucket's own notification where Eventarc is not wanted, and for whatever
# else is to ring by Pub/Sub.

resource "google_pubsub_topic" "notifications" {
  name       = "${var.name}-notifications"
  labels     = local.labels
  depends_on = [google_project_service.needed]
}

resource "google_pubsub_topic_iam_member" "storage_publishes" {
  topic  = google_pubsub_topic.notifications.id
  role   = "roles/pubsub.publisher"
  member = data.google_storage_project_service_account.storage.member
}

resource "google_storage_notification" "specs" {
  count = var.doorbell == "pubsub" ? 1 : 0

  bucket         = google_storage_bucket.specs.name
  topic          = google_pubsub_topic.notifications.id
  payload_format = "NONE"
  event_types    = ["OBJECT_FINALIZE", "OBJECT_DELETE", "OBJECT_ARCHIVE"]
  depends_on     = [google_pubsub_topic_iam_member.storage_publishes]
}

resource "google_pubsub_subscription" "push" {
  name                       = "${var.name}-push"
  topic                      = google_pubsub_topic.notifications.id
  ack_deadline_seconds       = 60
  message_retention_duration = "604800s"
  labels                     = local.labels

  push_config {
    push_endpoint = "${local.service_url}/events"

    oidc_token {
      service_account_email = google_service_account.events.email
      audience              = local.service_url
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = 100
  }

  # A month without a message is no reason to go.
  expiration_policy {
    ttl = ""
  }
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

# Without these two nothing is ever forwarded, and nobody is told.
resource "google_pubsub_topic_iam_member" "dead_letters_in" {
  topic  = google_pubsub_topic.dead.id
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "dead_letters_out" {
  subscription = google_pubsub_subscription.push.id
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}
