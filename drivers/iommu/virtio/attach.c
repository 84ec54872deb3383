// SPDX-License-Identifier: GPL-2.0
/*
 * Which domain each endpoint is attached to.
 *
 * Everything here runs under viommu->lock, in process context, and sleeps
 * while the device answers. An endpoint's domain changes when the device has
 * confirmed it and not before; an attach that fails puts all endpoints of the
 * master back where they were.
 *
 * Three kinds of domains belong to the driver itself: the blocked one, empty,
 * where released endpoints are kept; the bypass one, or in its place emulated
 * identity domains, one for each set of reserved regions; and a parked one for
 * each master between its probe and its first domain.
 *
 * Parking is how a refused ATTACH is found out in time. The core takes the
 * first attach of a group to be infallible: it warns, and gives up the whole
 * IOMMU. So each device is attached before, when its group is asked for and
 * saying "not mine" costs nobody else anything: to what its group is attached
 * to, if there are others in it; to the bypass domain, where that will be the
 * default; or else to an empty domain. The first paging domain then takes that
 * one over, ID and endpoints, because some devices (crosvm's) let an endpoint
 * change its domain never.
 */
#include <linux/slab.h>

#include "viommu.h"

static int viommu_send_attach(struct viommu *viommu, const struct viommu_endpoint *ep,
			      const struct viommu_domain *vdom)
{
	u32 flags = vdom->bypass ? VIRTIO_IOMMU_ATTACH_F_BYPASS : 0;
	union viommu_request req;
	size_t len = viommu_build_attach(&req, vdom->id, ep->id, flags);

	return viommu_queue_run(&viommu->requests, &req, len, NULL, 0);
}

static int viommu_send_detach(struct viommu *viommu, const struct viommu_endpoint *ep,
			      const struct viommu_domain *vdom)
{
	union viommu_request req;
	size_t len = viommu_build_detach(&req, vdom->id, ep->id);

	return viommu_queue_run(&viommu->requests, &req, len, NULL, 0);
}

/* All of a domain, mapped or not, in one request, after those that are on their way */
static int viommu_send_unmap_all(struct viommu *viommu, struct viommu_domain *vdom)
{
	union viommu_request req;
	size_t len = viommu_build_unmap(&req, vdom->id, viommu->config.input_first,
					viommu->config.input_last);

	viommu_queue_wait(&viommu->requests, &vdom->flight, true);
	return viommu_queue_run(&viommu->requests, &req, len, NULL, 0);
}

/* ---- One endpoint ---------------------------------------------------------------- */

/* Before the request by which an endpoint leaves its domain. */
static void viommu_leave_begin(const struct viommu_endpoint *ep)
{
	if (ep->domain && ep->domain->nr_endpoints == 1)
		viommu_domain_leaving(ep->domain);
}

/* Has the device forgotten the mappings of a domain that all endpoints have left? */
static bool viommu_forget_all(struct viommu *viommu, struct viommu_domain *vdom)
{
	int err;

	if (!vdom->tainted || vdom->bypass)
		return !viommu_queue_broken(&viommu->requests);
	/* Somebody may still be in there: leave nothing to reach */
	err = viommu_send_unmap_all(viommu, vdom);
	return !err || err == -ENOENT;
}

static void viommu_say_incomplete(struct viommu *viommu, const struct viommu_domain *vdom, int err)
{
	if (err && !viommu_queue_broken(&viommu->requests))
		dev_err_ratelimited(viommu->dev, "domain %u: a MAP failed: %pe\n", vdom->id,
				    ERR_PTR(err));
}

/* After it: the endpoint has left, or it has not. */
static void viommu_leave_end(struct viommu *viommu, struct viommu_endpoint *ep, bool left)
{
	struct viommu_domain *vdom = ep->domain;

	lockdep_assert_held(&viommu->lock);

	if (!vdom)
		return;
	if (left) {
		ep->domain = NULL;
		if (!--vdom->nr_endpoints)
			viommu_domain_gone(vdom, viommu_forget_all(viommu, vdom));
	} else if (vdom->nr_endpoints == 1) {
		viommu_say_incomplete(viommu, vdom, viommu_domain_stays(vdom));
	}
}

static int viommu_detach_endpoint(struct viommu *viommu, struct viommu_endpoint *ep)
{
	int err;

	if (!ep->domain)
		return 0;
	viommu_leave_begin(ep);
	err = viommu_send_detach(viommu, ep, ep->domain);
	viommu_leave_end(viommu, ep, !err);
	return err;
}

/* A domain has its first endpoint, or one more; the caller has its mappings told. */
static bool viommu_enter(struct viommu_endpoint *ep, struct viommu_domain *vdom)
{
	ep->domain = vdom;
	ep->stuck = false;
	viommu_domain_set_lost(vdom, false);
	return !vdom->nr_endpoints++ && !vdom->bypass;
}

/*
 * An endpoint that the device lets neither move nor detach, of which nobody can
 * say where it is, or that a dead device says nothing of. Its domain is taken
 * from it here, for the core may be about to free that. The domain's ID is not
 * used again, as the device may still have the endpoint in it; when the others
 * have left, it is emptied. Return 0 if nothing is there for it to reach, or if
 * that is the end of the device anyway; else -ENODEV.
 */
static int viommu_abandon_endpoint(struct viommu *viommu, struct viommu_endpoint *ep, int err)
{
	struct viommu_domain *vdom = ep->domain;

	if (!viommu_queue_broken(&viommu->requests))
		dev_err_ratelimited(viommu->dev,
				    "endpoint 0x%x may stay in %sdomain %u, which it was to leave: %pe\n",
				    ep->id, vdom->bypass ? "bypass " : "", vdom->id, ERR_PTR(err));
	viommu_leave_begin(ep);
	vdom->tainted = true;
	viommu_leave_end(viommu, ep, true);
	ep->stuck = vdom->bypass || vdom->nr_endpoints || viommu_domain_is_dead(vdom);
	return ep->stuck && !viommu_queue_broken(&viommu->requests) ? -ENODEV : 0;
}

/*
 * Attach an endpoint to the domain that it is thought to be in. If it is alone
 * in there, the device may have emptied the domain: all is told again.
 */
static int viommu_attach_again(struct viommu *viommu, struct viommu_endpoint *ep)
{
	struct viommu_domain *vdom = ep->domain;
	const bool alone = vdom->nr_endpoints == 1 && !vdom->bypass;
	int err;

	viommu_leave_begin(ep);
	err = viommu_send_attach(viommu, ep, vdom);
	if (err)
		return err;
	if (alone && !viommu_send_unmap_all(viommu, vdom))
		viommu_say_incomplete(viommu, vdom, viommu_domain_again(vdom));
	else
		viommu_leave_end(viommu, ep, false);
	return 0;
}

/* Statuses that say that a request was not carried out; others, or none, do not. */
static bool viommu_is_clear(int err)
{
	return err == -EOPNOTSUPP || err == -EINVAL || err == -ERANGE || err == -ENOENT ||
	       err == -ENOMEM;
}

/*
 * A request was refused with @why that may have detached the endpoint before,
 * or been carried out all the same. Have the endpoint go back to where it is
 * thought to be. If that is refused as well, it is left to be there, or
 * detached, which must not mean that it bypasses; or in @vdom.
 */
static void viommu_settle_endpoint(struct viommu *viommu, struct viommu_endpoint *ep,
				   struct viommu_domain *vdom, int why)
{
	int err = viommu_attach_again(viommu, ep);

	if (!err)
		return;
	vdom->tainted |= !viommu_is_clear(why);
	if (viommu->config.bypass && !viommu_queue_broken(&viommu->requests))
		viommu_abandon_endpoint(viommu, ep, err);
	else
		viommu_leave_end(viommu, ep, false);
}

/*
 * Attach an endpoint that is in no domain. If it is not clear what came of it,
 * have it leave; if even that is not clear, the domain's ID is not used again.
 */
static int viommu_attach_detached(struct viommu *viommu, struct viommu_endpoint *ep,
				  struct viommu_domain *vdom)
{
	int err = viommu_send_attach(viommu, ep, vdom), left;

	if (!err || viommu_is_clear(err))
		return err;
	left = viommu_send_detach(viommu, ep, vdom);
	if (left && left != -EINVAL && left != -ENOENT)
		vdom->tainted = true;
	return err;
}

/*
 * Virtio specification, "ATTACH request": attaching an attached endpoint
 * detaches it first, or is refused with UNSUPP. If it is refused when detached
 * as well, the endpoint is better where it was than nowhere.
 */
static int viommu_move_endpoint(struct viommu *viommu, struct viommu_endpoint *ep,
				struct viommu_domain *vdom)
{
	struct viommu_domain *old = ep->domain;
	int err;

	viommu_leave_begin(ep);
	err = viommu_send_attach(viommu, ep, vdom);
	if (err && err != -EOPNOTSUPP && err != -ENOENT) {
		viommu_settle_endpoint(viommu, ep, vdom, err);
		return err;
	}
	viommu_leave_end(viommu, ep, !err);
	if (err != -EOPNOTSUPP)
		return err;

	err = viommu_detach_endpoint(viommu, ep);
	/* Where it is said not to be attached, it has been detached before UNSUPP */
	if (err && err != -EOPNOTSUPP)
		viommu_settle_endpoint(viommu, ep, old, err);
	if (err)	/* the ATTACH has said that it is known */
		return err == -ENOENT ? -ENODEV : err;
	err = viommu_attach_detached(viommu, ep, vdom);
	if (err && !viommu_domain_is_dead(old) && !viommu_attach_detached(viommu, ep, old) &&
	    viommu_enter(ep, old))
		viommu_say_incomplete(viommu, old, viommu_domain_go_live(old));
	return err;
}

/*
 * The domain has an ID. On failure the endpoint is where it was, or nowhere, or
 * in a domain whose mappings the device does not take: the caller reverts.
 */
static int viommu_attach_endpoint(struct viommu *viommu, struct viommu_endpoint *ep,
				  struct viommu_domain *vdom)
{
	int err;

	lockdep_assert_held(&viommu->lock);

	if (ep->domain == vdom)
		return 0;
	/* The device owes it answers that it would not know to be missing any more */
	if (viommu_domain_is_dead(vdom))
		return -EIO;
	err = ep->domain ? viommu_move_endpoint(viommu, ep, vdom) :
			   viommu_attach_detached(viommu, ep, vdom);
	if (err)
		return err;
	return viommu_enter(ep, vdom) ? viommu_domain_go_live(vdom) : 0;
}

/*
 * Take an endpoint out of its domain, whatever the device says. Return 0, or
 * -ENODEV if it may reach something now.
 */
static int viommu_block_endpoint(struct viommu *viommu, struct viommu_endpoint *ep)
{
	int err = -ENOSPC;

	lockdep_assert_held(&viommu->lock);

	if (viommu->blocked)
		err = viommu_attach_endpoint(viommu, ep, viommu->blocked);
	if (ep->domain == viommu->blocked && viommu->blocked)
		return 0;

	/* Rather in a domain that is emptied than in bypass */
	if (ep->domain && !(viommu->blocked && viommu->config.bypass))
		err = viommu_detach_endpoint(viommu, ep);
	if (ep->domain && err != -ENOENT)
		return viommu_abandon_endpoint(viommu, ep, err);
	/* Detached, or unplugged: the device has forgotten it */
	viommu_leave_begin(ep);
	viommu_leave_end(viommu, ep, true);

	if (err == -ENOENT || viommu_queue_broken(&viommu->requests))
		return 0;
	if (ep->stuck || !viommu->config.bypass)
		return ep->stuck ? -ENODEV : 0;
	dev_warn_ratelimited(viommu->dev, "endpoint 0x%x cannot be blocked, and may bypass\n",
			     ep->id);
	return -ENODEV;
}

/* ---- All endpoints of a device ------------------------------------------------------- */

/* Undo what a failed attach has done to the first @nr endpoints. */
static void viommu_revert(struct viommu_master *master, unsigned int nr)
{
	struct viommu *viommu = master->viommu;
	unsigned int i;
	int err, blocked;

	for (i = 0; i < nr; i++) {
		struct viommu_endpoint *ep = master->endpoint[i];

		if (ep->domain == ep->before)
			continue;
		err = ep->before ? viommu_attach_endpoint(viommu, ep, ep->before) :
				   viommu_detach_endpoint(viommu, ep);
		if (!err)
			continue;
		blocked = viommu_block_endpoint(viommu, ep);
		dev_err_ratelimited(master->dev,
				    "endpoint 0x%x does not go back to its domain (%pe), and is%s blocked\n",
				    ep->id, ERR_PTR(err), blocked ? " not" : "");
	}
}

/* The parked domain goes when its last endpoint has left it. */
static void viommu_unpark(struct viommu_master *master)
{
	lockdep_assert_held(&master->viommu->lock);

	if (!master->parked || master->parked->nr_endpoints)
		return;
	viommu_domain_destroy(master->parked);
	master->parked = NULL;
}

/* Take all endpoints, whosever they are, out of a domain. */
static void viommu_evict_locked(struct viommu *viommu, struct viommu_domain *vdom)
{
	struct viommu_endpoint *ep;
	unsigned long id;

	lockdep_assert_held(&viommu->lock);

	if (!vdom->nr_endpoints)
		return;
	xa_for_each(&viommu->endpoints, id, ep) {
		if (ep->domain == vdom)
			viommu_block_endpoint(viommu, ep);
	}
}

/*
 * Let a domain that has no ID yet become what a master is parked in, together
 * with all others of its group that have joined it there.
 */
static int viommu_adopt(struct viommu_master *master, struct viommu_domain *vdom)
{
	struct viommu_domain *parked = master->parked;
	struct viommu *viommu = master->viommu;
	struct viommu_endpoint *ep;
	unsigned long id;
	int err;

	if (!parked || !parked->nr_endpoints || vdom->has_id)
		return 0;

	vdom->id = parked->id;
	vdom->has_id = true;
	vdom->tainted = parked->tainted;
	parked->has_id = false;
	xa_for_each(&viommu->endpoints, id, ep) {
		if (ep->domain != parked)
			continue;
		ep->domain = vdom;
		vdom->nr_endpoints++;
		parked->nr_endpoints--;
	}
	viommu_unpark(master);

	err = viommu_domain_go_live(vdom);
	if (err)
		viommu_evict_locked(viommu, vdom);
	return err;
}

static int viommu_attach_all(struct viommu_master *master, struct viommu_domain *vdom)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < master->nr_endpoints; i++)
		master->endpoint[i]->before = master->endpoint[i]->domain;

	for (i = 0; i < master->nr_endpoints && !err; i++)
		err = viommu_attach_endpoint(master->viommu, master->endpoint[i], vdom);
	if (err)
		viommu_revert(master, i);
	viommu_unpark(master);
	return err;
}

static int viommu_attach_locked(struct viommu_master *master, struct viommu_domain *vdom)
{
	int err;

	if (!vdom->viommu)
		viommu_domain_finalise(vdom, master->viommu);
	/* The core may ask, to find out whether a domain fits */
	if (vdom->viommu != master->viommu)
		return -EINVAL;

	err = viommu_adopt(master, vdom);
	if (!err)
		err = viommu_domain_take_id(vdom);
	if (err == -ENOSPC)
		dev_err_ratelimited(master->dev, "no domain ID is left for it in %u - %u\n",
				    vdom->viommu->config.domain_first,
				    vdom->viommu->config.domain_last);
	return err ?: viommu_attach_all(master, vdom);
}

/*
 * The codes that the core knows from an attach; the log has the others. With
 * -EINVAL, iommufd goes on to another domain, which is what UNSUPP asks for:
 * a device may want domains of one endpoint, say.
 */
static int viommu_attach_errno(const struct viommu_master *master, int err)
{
	if (err && err != -EINVAL)
		dev_err_ratelimited(master->dev, "cannot be attached: %pe\n", ERR_PTR(err));
	switch (err) {
	case 0:
	case -EINVAL:
	case -ENOMEM:
	case -ENOSPC:
		return err;
	case -EOPNOTSUPP:
		return -EINVAL;
	default:
		return -ENODEV;
	}
}

/*
 * The core takes it for granted that a device can go back to its default
 * domain when a user of its own domain has left, and warns if it cannot.
 */
static bool viommu_must_attach(const struct viommu_master *master)
{
	const struct viommu_domain *vdom;

	if (master->parked || !master->nr_endpoints)
		return false;
	vdom = master->endpoint[0]->domain;
	return !vdom || vdom == master->viommu->blocked ||
	       vdom->domain.type == IOMMU_DOMAIN_UNMANAGED;
}

/* 0, or -ENODEV if one of the endpoints may reach something now */
static int viommu_block_master(struct viommu_master *master)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < master->nr_endpoints; i++)
		err = viommu_block_endpoint(master->viommu, master->endpoint[i]) ?: err;
	return err;
}

/*
 * The core takes a device that could not be blocked for one that is where it
 * was. It is not: nothing can be mapped there.
 */
static int viommu_block_master_or_lose(struct viommu_master *master)
{
	unsigned int i;
	int err;

	for (i = 0; i < master->nr_endpoints; i++)
		master->endpoint[i]->before = master->endpoint[i]->domain;
	err = viommu_block_master(master);
	for (i = 0; i < master->nr_endpoints && err; i++) {
		struct viommu_domain *before = master->endpoint[i]->before;

		if (before && !before->nr_endpoints)
			viommu_domain_set_lost(before, true);
	}
	return err;
}

/*
 * What could not be attached and must be is blocked; nothing can be mapped for
 * it. Without a domain, there was no memory for one.
 */
static int viommu_attach_or_block(struct viommu_master *master, struct viommu_domain *vdom)
{
	const bool must = viommu_must_attach(master);
	int err = vdom ? viommu_attach_locked(master, vdom) : -ENOMEM, blocked;

	if (!err || !must)
		return err;
	blocked = viommu_block_master(master);
	dev_err_ratelimited(master->dev,
			    "cannot go back to its own domain (%pe), and is%s blocked\n",
			    ERR_PTR(err), blocked ? " not" : "");
	if (vdom && !vdom->nr_endpoints)
		viommu_domain_set_lost(vdom, true);
	return 0;
}

/**
 * viommu_attach_master() - Attach all endpoints of a device to a domain
 * @master: the device
 * @vdom: the domain; bound to the device's IOMMU here if it is to none
 *
 * Context: Process, under the group's mutex; sleeps.
 * Return: 0; -EINVAL for a domain of another IOMMU, or if the device does not
 * support the combination; -ENOSPC without a domain ID; -ENOMEM; -ENODEV for
 * what else the device refused. On error all endpoints
 * are where they were. A device that leaves a domain of its user's for its
 * default domain, and is refused that, is blocked instead, and 0 returned.
 */
int viommu_attach_master(struct viommu_master *master, struct viommu_domain *vdom)
{
	const bool own = vdom->domain.type == IOMMU_DOMAIN_UNMANAGED;
	int err;

	mutex_lock(&master->viommu->lock);
	err = own ? viommu_attach_locked(master, vdom) : viommu_attach_or_block(master, vdom);
	mutex_unlock(&master->viommu->lock);
	return viommu_attach_errno(master, err);
}

/*
 * Attach each endpoint to an empty domain of the master's own. Endpoints that
 * other devices share are left where these have them. Those that the device
 * does not know are dropped, as long as one remains.
 */
static int viommu_park(struct viommu_master *master)
{
	struct viommu *viommu = master->viommu;
	unsigned int i = 0;
	int err;

	master->parked = viommu_domain_create(viommu);
	if (!master->parked)
		return -ENOMEM;
	err = viommu_domain_take_id(master->parked);
	if (err)
		return err;

	while (i < master->nr_endpoints) {
		struct viommu_endpoint *ep = master->endpoint[i];

		err = ep->users > 1 && ep->domain ? 0 :
		      viommu_attach_endpoint(viommu, ep, master->parked);
		if (!err)
			i++;
		else if (viommu_endpoint_unknown(err) && master->nr_endpoints > 1)
			viommu_master_drop(master, i, err);
		else
			return err;
	}
	return 0;
}

/* Passthrough by default: find out now whether the device lets the endpoints bypass. */
static bool viommu_bypasses(struct viommu_master *master)
{
	struct viommu *viommu = master->viommu;

	if (!iommu_default_passthrough() || !viommu->bypass)
		return false;
	master->no_identity = viommu_attach_all(master, viommu->bypass);
	if (master->no_identity)
		dev_warn(master->dev, "the IOMMU does not let it bypass: it is translated\n");
	return !master->no_identity;
}

/**
 * viommu_attach_first() - Attach a new device for the first time
 * @master: the device, whose group does not yet have it
 * @mate: another device of the group, or NULL
 *
 * Context: Process; sleeps.
 * Return: 0, or why the device cannot be used.
 */
int viommu_attach_first(struct viommu_master *master, struct viommu_master *mate)
{
	struct viommu_domain *joined = NULL;
	int err;

	mutex_lock(&master->viommu->lock);
	if (mate && mate->nr_endpoints)
		joined = mate->endpoint[0]->domain;
	if (joined)
		err = viommu_attach_all(master, joined);
	else
		err = viommu_bypasses(master) ? 0 : viommu_park(master);
	mutex_unlock(&master->viommu->lock);
	return err;
}

/**
 * viommu_attach_forget() - Let go of a device's endpoints
 * @master: a device that is being released
 *
 * The endpoints are blocked from here on; a parked domain goes.
 *
 * Context: Process, under viommu->lock; sleeps. Cannot fail.
 */
void viommu_attach_forget(struct viommu_master *master)
{
	unsigned int i;

	lockdep_assert_held(&master->viommu->lock);

	for (i = 0; i < master->nr_endpoints; i++) {
		if (master->endpoint[i]->users == 1)
			viommu_block_endpoint(master->viommu, master->endpoint[i]);
	}
	/* Others may have joined it there, or share its endpoints */
	if (master->parked)
		viommu_evict_locked(master->viommu, master->parked);
	viommu_unpark(master);
}

/**
 * viommu_attach_evict() - Take every endpoint out of a domain that goes
 * @vdom: the domain
 *
 * The core frees a domain when it has attached its devices to another one, but
 * also when that has failed.
 *
 * Context: Process; sleeps. Cannot fail.
 */
void viommu_attach_evict(struct viommu_domain *vdom)
{
	struct viommu *viommu = vdom->viommu;

	if (!viommu)
		return;
	mutex_lock(&viommu->lock);
	viommu_evict_locked(viommu, vdom);
	mutex_unlock(&viommu->lock);
}

/**
 * viommu_attach_blocked() - Attach a device to the blocked domain
 * @master: the device
 *
 * Whatever comes of it, the endpoints are no longer where they were, unless
 * -ENOSPC is returned.
 *
 * Context: Process, under the group's mutex; sleeps.
 * Return: 0; -ENOSPC if domain_range had no ID for a blocked domain and
 * unattached endpoints bypass; -ENODEV if an endpoint cannot be blocked.
 */
int viommu_attach_blocked(struct viommu_master *master)
{
	struct viommu *viommu = master->viommu;
	int err;

	if (!viommu->blocked && viommu->config.bypass)
		return viommu_attach_errno(master, -ENOSPC);

	mutex_lock(&viommu->lock);
	err = viommu_block_master_or_lose(master);
	viommu_unpark(master);
	mutex_unlock(&viommu->lock);
	return err;
}

/* ---- Identity ------------------------------------------------------------------ */

/* Reserved regions of all devices in a group: they share one domain. */
static int viommu_group_regions(struct viommu_master *master, struct viommu_regions *regions)
{
	struct iommu_group *group = master->dev->iommu_group;
	struct viommu_master *other;
	unsigned int i;
	int err = 0;

	list_for_each_entry(other, &master->viommu->masters, link) {
		if (other == master || other->dev->iommu_group == group)
			regions->max += other->regions.nr;
	}
	regions->region = kcalloc(regions->max + 1, sizeof(*regions->region), GFP_KERNEL);
	if (!regions->region)
		return -ENOMEM;

	list_for_each_entry(other, &master->viommu->masters, link) {
		if (other != master && other->dev->iommu_group != group)
			continue;
		for (i = 0; i < other->regions.nr && !err; i++)
			err = viommu_regions_add(regions, &other->regions.region[i]);
	}
	return err;
}

static int viommu_identity_hole(u64 start, u64 last, void *ctx)
{
	return viommu_domain_add_identity(ctx, start, last);
}

/* Takes over @regions. */
static struct viommu_domain *viommu_create_identity(struct viommu *viommu,
						    struct viommu_regions *regions)
{
	const struct viommu_config *config = &viommu->config;
	struct viommu_domain *vdom = viommu_domain_create(viommu);
	int err;

	if (!vdom)
		return NULL;
	err = viommu_regions_walk_holes(regions, config->input_first, config->input_last,
					config->granule, viommu_identity_hole, vdom);
	if (err) {
		viommu_domain_destroy(vdom);
		return NULL;
	}
	vdom->regions = *regions;
	*regions = (struct viommu_regions) {};
	list_add(&vdom->link, &viommu->identities);
	return vdom;
}

/*
 * Without BYPASS_CONFIG, or without a domain ID for it: a domain in which
 * everything but the reserved regions of the device's group is mapped to
 * itself.
 */
static struct viommu_domain *viommu_find_identity(struct viommu_master *master)
{
	struct viommu_regions regions = {};
	struct viommu_domain *vdom;

	if (viommu_group_regions(master, &regions))
		goto err_free;
	list_for_each_entry(vdom, &master->viommu->identities, link) {
		if (!viommu_domain_is_dead(vdom) &&
		    viommu_regions_equal(&vdom->regions, &regions)) {
			kfree(regions.region);
			return vdom;
		}
	}
	vdom = viommu_create_identity(master->viommu, &regions);
	if (vdom)
		return vdom;
err_free:
	kfree(regions.region);
	return NULL;
}

/**
 * viommu_attach_identity() - Let a device use physical addresses
 * @master: the device
 *
 * Context: Process, under the group's mutex; sleeps.
 * Return: As viommu_attach_master().
 */
int viommu_attach_identity(struct viommu_master *master)
{
	struct viommu *viommu = master->viommu;
	int err;

	mutex_lock(&viommu->lock);
	err = viommu_attach_or_block(master, viommu->bypass ?: viommu_find_identity(master));
	mutex_unlock(&viommu->lock);
	return viommu_attach_errno(master, err);
}

/* ---- Life ------------------------------------------------------------------------ */

static struct viommu_domain *viommu_create_shared(struct viommu *viommu, bool bypass)
{
	struct viommu_domain *vdom = viommu_domain_create(viommu);

	if (!vdom)
		return NULL;
	vdom->bypass = bypass;
	if (!viommu_domain_take_id(vdom))
		return vdom;
	viommu_domain_destroy(vdom);
	return NULL;
}

/**
 * viommu_attach_init() - Make the domains that all devices share
 * @viommu: the IOMMU
 *
 * One ID is left for a device, come what may; with two, one goes to the
 * blocked domain; with three, one to the bypass domain.
 *
 * Context: Process.
 * Return: 0 or -ENOMEM.
 */
int viommu_attach_init(struct viommu *viommu)
{
	u32 more = viommu->config.domain_last - viommu->config.domain_first;

	if (more < 2)
		dev_warn(viommu->dev, "domain_range %u - %u: only one device can be translated, %s\n",
			 viommu->config.domain_first, viommu->config.domain_last,
			 more ? "others are left alone" : "and none can be blocked");
	if (more >= 1) {
		viommu->blocked = viommu_create_shared(viommu, false);
		if (!viommu->blocked)
			return -ENOMEM;
	}
	if (more >= 2 && viommu->config.has_bypass) {
		viommu->bypass = viommu_create_shared(viommu, true);
		if (!viommu->bypass)
			goto err_blocked;
	}
	return 0;

err_blocked:
	viommu_domain_destroy(viommu->blocked);
	viommu->blocked = NULL;
	return -ENOMEM;
}

/* Released endpoints, which nobody uses and the device is about to forget */
static void viommu_free_endpoints(struct viommu *viommu)
{
	struct viommu_endpoint *ep;
	unsigned long id;

	mutex_lock(&viommu->lock);
	xa_for_each(&viommu->endpoints, id, ep) {
		WARN_ON(ep->users);
		viommu_leave_begin(ep);
		viommu_leave_end(viommu, ep, true);
		xa_erase(&viommu->endpoints, id);
		kfree(ep);
	}
	mutex_unlock(&viommu->lock);
}

/**
 * viommu_attach_exit() - Undo viommu_attach_init()
 * @viommu: the IOMMU, without devices
 *
 * Context: Process.
 */
void viommu_attach_exit(struct viommu *viommu)
{
	struct viommu_domain *vdom, *next;

	viommu_free_endpoints(viommu);
	list_for_each_entry_safe(vdom, next, &viommu->identities, link) {
		list_del(&vdom->link);
		viommu_domain_destroy(vdom);
	}
	viommu_domain_destroy(viommu->bypass);
	viommu_domain_destroy(viommu->blocked);
	viommu->bypass = NULL;
	viommu->blocked = NULL;
}
