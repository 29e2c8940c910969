# Users write specs, the service reads them. What the service writes goes into another bucket, or its own
# writing would ring its own bell.

resource "google_storage_bucket" "specs" {
  name                        = local.spec_bucket
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  labels                      = local.labels
  depends_on                  = [google_project_service.needed]

  versioning {
    enabled = true
  }

  # Who asked for what stays to be seen for a year.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = 365
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_storage_bucket" "state" {
  name                        = local.state_bucket
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  labels                      = local.labels
  depends_on                  = [google_project_service.needed]

  versioning {
    enabled = true
  }

  # Leases and statuses are written every few seconds while work goes on.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = 7
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = 30
      matches_prefix = ["poison/"]
    }
  }

  # The identities in it cannot be drawn a second time.
  lifecycle {
    prevent_destroy = true
  }
}

resource "google_storage_bucket_iam_member" "reconciler_reads_specs" {
  bucket = google_storage_bucket.specs.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.reconciler.member
}

resource "google_storage_bucket_iam_member" "reconciler_writes_state" {
  bucket = google_storage_bucket.state.name
  role   = "roles/storage.objectUser"
  member = google_service_account.reconciler.member
}

resource "google_storage_bucket_iam_member" "spec_writers" {
  for_each = var.spec_writers

  bucket = google_storage_bucket.specs.name
  role   = "roles/storage.objectUser"
  member = each.key
}

# They see in the state bucket how their deployments stand.
resource "google_storage_bucket_iam_member" "status_readers" {
  for_each = var.spec_writers

  bucket = google_storage_bucket.state.name
  role   = "roles/storage.objectViewer"
  member = each.key
}
