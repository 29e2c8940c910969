# Everything that rings by Pub/Sub: rotations, builds, images, promotions, and the topic of `pubsub.tf`. Each topic
# pushes to the same door; the service tells messages apart by what they carry.

locals {
  # Cloud Build, Artifact Registry and Cloud Deploy publish to topics of exactly these names, and do not make them.
  platform_topics = toset(concat(
    var.ring_for_builds ? ["cloud-builds"] : [],
    var.ring_for_images ? ["gcr"] : [],
    var.ring_for_promotions ? [
      "clouddeploy-resources",
      "clouddeploy-operations",
      "clouddeploy-approvals",
      "clouddeploy-advances",
    ] : [],
  ))
  bells = merge(
    { for name, topic in google_pubsub_topic.platform : name => topic.id },
    {
      rotations = google_pubsub_topic.rotations.id
      push      = google_pubsub_topic.notifications.id
    },
  )
}

resource "google_pubsub_topic" "platform" {
  for_each = local.platform_topics

  name       = each.key
  labels     = local.labels
  depends_on = [google_project_service.needed]
}

# Where Secret Manager tells that a rotation is due: the service puts this topic (ROTATION_TOPIC) and the period on the
# secrets that rotate by themselves.
resource "google_pubsub_topic" "rotations" {
  name       = "${var.name}-rotations"
  labels     = local.labels
  depends_on = [google_project_service.needed]
}

# The agent is not there by itself, and a secret with a topic that it cannot publish to cannot be made.
resource "google_project_service_identity" "secret_manager" {
  provider = google-beta
  project  = var.project_id
  service  = "secretmanager.googleapis.com"
}

resource "google_pubsub_topic_iam_member" "secret_manager_publishes" {
  topic  = google_pubsub_topic.rotations.id
  role   = "roles/pubsub.publisher"
  member = google_project_service_identity.secret_manager.member
}

resource "google_pubsub_subscription" "bells" {
  for_each = local.bells

  name                       = "${var.name}-${each.key}"
  topic                      = each.value
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

# The other half of `dead_letters_in`.
resource "google_pubsub_subscription_iam_member" "bells_dead_letters_out" {
  for_each = google_pubsub_subscription.bells

  subscription = each.value.id
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

# What is waiting in a subscription is lost when it is made anew.
moved {
  from = google_pubsub_subscription.push
  to   = google_pubsub_subscription.bells["push"]
}

moved {
  from = google_pubsub_subscription_iam_member.dead_letters_out
  to   = google_pubsub_subscription_iam_member.bells_dead_letters_out["push"]
}

# A build and a promotion are read before anything is made of them.
resource "google_project_iam_member" "reconciler_reads_deliveries" {
  for_each = toset(concat(
    var.ring_for_builds ? ["roles/cloudbuild.builds.viewer"] : [],
    var.ring_for_promotions ? ["roles/clouddeploy.viewer"] : [],
  ))

  project = var.project_id
  role    = each.key
  member  = google_service_account.reconciler.member
}
