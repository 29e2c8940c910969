# What the service may do to make deployments what their specs say.

resource "google_project_iam_member" "reconciler" {
  for_each = toset([
    # Repositories with their policies, and the copies of images that are pushed to them.
    "roles/artifactregistry.admin",
    # Attestations are read and verified, and the deployments' own rules are added to the project's policy.
    "roles/binaryauthorization.attestorsVerifier",
    "roles/binaryauthorization.policyEditor",
    "roles/certificatemanager.editor",
    # Builds and promotions are read, where a spec says that they decide about an image.
    "roles/cloudbuild.builds.viewer",
    "roles/clouddeploy.viewer",
    "roles/cloudsql.admin",
    "roles/compute.instanceAdmin.v1",
    "roles/container.developer",
    "roles/containeranalysis.notes.occurrences.viewer",
    "roles/iam.serviceAccountAdmin",
    # The VM with NFS and Redis runs as an account of its own.
    "roles/iam.serviceAccountUser",
    "roles/secretmanager.admin",
    "roles/serviceusage.serviceUsageAdmin",
    # Traces and metrics, where OTLP_ENDPOINT says so.
    "roles/telemetry.writer",
  ])

  project = var.project_id
  role    = each.key
  member  = google_service_account.reconciler.member
}

# It grants one role on the project, to the accounts that it made itself, and can grant no other.
resource "google_project_iam_member" "reconciler_grants" {
  project = var.project_id
  role    = "roles/resourcemanager.projectIamAdmin"
  member  = google_service_account.reconciler.member

  condition {
    title       = "only the roles that deployments need"
    description = "The workload's account reaches its database through the Auth Proxy."
    expression  = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['roles/cloudsql.client'])"
  }
}

# Buckets without what is in them: it makes the deployments' buckets, and reads nobody's objects.
resource "google_project_iam_custom_role" "buckets" {
  role_id     = replace("${var.name}_buckets", "-", "_")
  title       = "Dify reconciler: buckets"
  description = "Buckets and who may use them, without their objects."
  permissions = [
    "storage.buckets.create",
    "storage.buckets.delete",
    "storage.buckets.get",
    "storage.buckets.getIamPolicy",
    "storage.buckets.list",
    "storage.buckets.setIamPolicy",
    "storage.buckets.update",
  ]
}

# The front door's address and the share's firewall rule, in a network that is somebody else's.
resource "google_project_iam_custom_role" "network" {
  role_id     = replace("${var.name}_network", "-", "_")
  title       = "Dify reconciler: network"
  description = "Addresses and firewall rules; networks are only looked at."
  permissions = [
    "compute.addresses.create",
    "compute.addresses.delete",
    "compute.addresses.get",
    "compute.addresses.list",
    "compute.addresses.setLabels",
    "compute.addresses.use",
    "compute.firewalls.create",
    "compute.firewalls.delete",
    "compute.firewalls.get",
    "compute.firewalls.list",
    "compute.firewalls.update",
    "compute.globalAddresses.create",
    "compute.globalAddresses.delete",
    "compute.globalAddresses.get",
    "compute.globalAddresses.list",
    "compute.globalAddresses.setLabels",
    "compute.globalAddresses.use",
    "compute.networks.get",
    "compute.networks.list",
    "compute.networks.updatePolicy",
    "compute.networks.use",
    "compute.subnetworks.get",
    "compute.subnetworks.list",
    "compute.subnetworks.use",
    "servicenetworking.services.get",
  ]
}

resource "google_project_iam_member" "reconciler_custom" {
  for_each = {
    buckets = google_project_iam_custom_role.buckets.id
    network = google_project_iam_custom_role.network.id
  }

  project = var.project_id
  role    = each.value
  member  = google_service_account.reconciler.member
}
