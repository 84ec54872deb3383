// SPDX-License-Identifier: GPL-2.0
/*
 * The virtio driver: brings one IOMMU up and takes it down.
 *
 * Owns struct viommu and the list of them. A struct viommu outlives its
 * driver for as long as somebody holds a domain of it; such a domain has no
 * endpoints any more and never touches the device.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#include "viommu.h"

/*
 * All IOMMUs that have a driver. While a driver's probe runs, its device is
 * not yet found through the driver, and endpoints are probed all the same.
 */
LIST_HEAD(viommu_list);
DEFINE_MUTEX(viommu_list_lock);	/* protects viommu_list */

unsigned int viommu_timeout_ms = 5000;
module_param_named(timeout_ms, viommu_timeout_ms, uint, 0644);
MODULE_PARM_DESC(timeout_ms, "Milliseconds after which a device that does not answer is given up (default 5000, at least 100)");

static char *viommu_bypass = "keep";
module_param_named(bypass, viommu_bypass, charp, 0444);
MODULE_PARM_DESC(bypass, "What endpoints do that are not attached: 0 blocked, 1 bypass, keep as the device says (default)");

static void viommu_free(struct kref *ref)
{
	struct viommu *viommu = container_of(ref, struct viommu, ref);

	viommu_queue_free(&viommu->requests);
	viommu_events_free(viommu);
	ida_destroy(&viommu->domain_ids);
	xa_destroy(&viommu->endpoints);
	kfree(viommu->probe_buf);
	kvfree(viommu->builtin);
	put_device(viommu->dev->parent);
	put_device(viommu->dev);
	kfree(viommu);
}

/**
 * viommu_get() - Take a reference
 * @viommu: the IOMMU
 *
 * Context: Any.
 * Return: @viommu.
 */
struct viommu *viommu_get(struct viommu *viommu)
{
	kref_get(&viommu->ref);
	return viommu;
}

/**
 * viommu_put() - Give a reference back
 * @viommu: the IOMMU; freed with the last one
 *
 * Context: Process.
 */
void viommu_put(struct viommu *viommu)
{
	kref_put(&viommu->ref, viommu_free);
}

static struct viommu *viommu_alloc(struct virtio_device *vdev)
{
	struct viommu *viommu = kzalloc(sizeof(*viommu), GFP_KERNEL);

	if (!viommu)
		return NULL;
	kref_init(&viommu->ref);
	mutex_init(&viommu->lock);
	ida_init(&viommu->domain_ids);
	xa_init(&viommu->endpoints);
	INIT_LIST_HEAD(&viommu->masters);
	INIT_LIST_HEAD(&viommu->identities);
	viommu->vdev = vdev;
	vdev->priv = viommu;	/* an event may come before the probe is through */
	viommu->dev = get_device(&vdev->dev);
	get_device(vdev->dev.parent);	/* whom lookups may still compare */
	return viommu;
}

/* Everything up to where the device may be talked to. */
static int viommu_init_queues(struct viommu *viommu)
{
	struct virtqueue_info info[] = {
		{ "request" },
		{ "event", viommu_events_callback },
	};
	struct virtqueue *vqs[ARRAY_SIZE(info)];
	int err;

	err = virtio_find_vqs(viommu->vdev, ARRAY_SIZE(vqs), vqs, info, NULL);
	if (err)
		return dev_err_probe(viommu->dev, err, "no virtqueues\n");

	err = viommu_queue_init(&viommu->requests, viommu->dev, vqs[0]);
	if (!err)
		err = viommu_events_init(viommu, vqs[1]);
	if (!err && viommu->config.probe_size) {
		viommu->probe_buf = kzalloc(viommu->config.probe_size +
					    sizeof(struct virtio_iommu_req_tail), GFP_KERNEL);
		if (!viommu->probe_buf)
			err = -ENOMEM;
	}
	if (err)
		viommu->vdev->config->del_vqs(viommu->vdev);
	return err;
}

/* What is left in a ring may be mapped for DMA. */
static void viommu_drain(struct virtqueue *vq)
{
	while (virtqueue_detach_unused_buf(vq))
		;
}

/* The device forgets everything, then nobody reaches it any more. */
static void viommu_stop(struct viommu *viommu)
{
	virtio_reset_device(viommu->vdev);
	viommu_events_stop(viommu);
	viommu_queue_stop(&viommu->requests);
	viommu_drain(viommu->requests.vq);
	viommu_drain(viommu->events.vq);
	viommu->vdev->config->del_vqs(viommu->vdev);
}

/* Tell the core; it probes all endpoints it knows from in here. */
static int viommu_register(struct viommu *viommu)
{
	int err;

	err = iommu_device_sysfs_add(&viommu->iommu, viommu->dev, NULL, "%s",
				     dev_name(viommu->dev));
	if (err)
		return err;

	mutex_lock(&viommu_list_lock);
	list_add_tail(&viommu->link, &viommu_list);
	mutex_unlock(&viommu_list_lock);

	/* No device is passed: the fwnode is in place, see topology.c */
	err = iommu_device_register(&viommu->iommu, &viommu_ops, NULL);
	if (!err)
		return 0;

	dev_err(viommu->dev, "the IOMMU core refused the IOMMU: %pe\n", ERR_PTR(err));
	mutex_lock(&viommu_list_lock);
	list_del(&viommu->link);
	mutex_unlock(&viommu_list_lock);
	iommu_device_sysfs_remove(&viommu->iommu);
	return err;
}

/* Every endpoint is released, and blocked, before the device is touched. */
static void viommu_unregister(struct viommu *viommu)
{
	/* First from the list: no device is to come any more */
	mutex_lock(&viommu_list_lock);
	list_del(&viommu->link);
	mutex_unlock(&viommu_list_lock);
	iommu_device_unregister(&viommu->iommu);
	iommu_device_sysfs_remove(&viommu->iommu);
}

static void viommu_apply_bypass(struct viommu *viommu)
{
	bool bypass;

	if (!strcmp(viommu_bypass, "keep"))
		return;
	if (kstrtobool(viommu_bypass, &bypass)) {
		dev_warn(viommu->dev, "parameter bypass=%s is not 0, 1 or keep\n", viommu_bypass);
		return;
	}
	if (!viommu->config.has_bypass) {
		dev_warn(viommu->dev, "parameter bypass=%d: the device has no such control\n",
			 bypass);
		return;
	}
	viommu_config_set_bypass(viommu->vdev, bypass);
	viommu->config.bypass = bypass;
}

static void viommu_announce(struct viommu *viommu)
{
	const struct viommu_config *config = &viommu->config;
	struct viommu_master *master;
	unsigned int nr = 0;

	mutex_lock(&viommu->lock);
	list_for_each_entry(master, &viommu->masters, link)
		nr++;
	mutex_unlock(&viommu->lock);

	dev_info(viommu->dev, "IOVAs 0x%llx - 0x%llx, granule %llu, domains %u - %u, unattached endpoints %s\n",
		 config->input_first, config->input_last, config->granule,
		 config->domain_first, config->domain_last,
		 config->bypass ? "bypass" : "are blocked");
	/* Where the core asks drivers to wait for us, devices come from now on */
	if (nr)
		dev_info(viommu->dev, "%u devices are behind it\n", nr);
	else if (viommu->fwnode && !viommu->builtin)
		dev_info(viommu->dev, "no devices: nothing describes one behind this IOMMU\n");
}

static int viommu_probe(struct virtio_device *vdev)
{
	struct viommu *viommu;
	int err;

	viommu = viommu_alloc(vdev);
	if (!viommu)
		return -ENOMEM;

	err = viommu_config_read(vdev, &viommu->config);
	if (err)
		goto err_put;
	err = viommu_config_topology(vdev, &viommu->config, &viommu->builtin);
	if (!err)
		err = viommu_topology_own_fwnode(viommu);
	if (err)
		goto err_put;
	err = viommu_init_queues(viommu);
	if (err)
		goto err_fwnode;

	virtio_device_ready(vdev);
	viommu_events_start(viommu);
	err = viommu_attach_init(viommu);
	if (err)
		goto err_stop;

	err = viommu_register(viommu);
	if (err)
		goto err_attach;

	viommu_topology_claim(viommu);
	viommu_apply_bypass(viommu);
	viommu_announce(viommu);
	viommu_topology_report_late(viommu);
	return 0;

err_attach:
	viommu_attach_exit(viommu);
err_stop:
	viommu_stop(viommu);
err_fwnode:
	viommu_topology_put_fwnode(viommu);
err_put:
	vdev->priv = NULL;
	viommu_put(viommu);
	return err;
}

/* A device that still does DMA through the IOMMU, with a reference; or NULL */
static struct device *viommu_next_busy(struct viommu *viommu)
{
	struct viommu_master *master;
	struct device *dev = NULL;

	mutex_lock(&viommu->lock);
	list_for_each_entry(master, &viommu->masters, link) {
		if (!dev && viommu_topology_does_dma(master->dev))
			dev = get_device(master->dev);
	}
	mutex_unlock(&viommu->lock);
	return dev;
}

/*
 * Drivers of endpoints must not outlive the translation of their DMA. The
 * driver core has unbound most by now, as each endpoint is linked to this
 * device (endpoint.c); but links do not hold those that were bound first.
 */
static void viommu_unbind_endpoints(struct viommu *viommu)
{
	struct device *dev;

	while ((dev = viommu_next_busy(viommu))) {
		dev_warn(dev, "unbound: its IOMMU %s goes away\n", dev_name(viommu->dev));
		device_release_driver(dev);
		put_device(dev);
	}
}

static void viommu_remove(struct virtio_device *vdev)
{
	struct viommu *viommu = vdev->priv;

	viommu_unbind_endpoints(viommu);
	viommu_unregister(viommu);
	viommu_attach_exit(viommu);
	viommu_stop(viommu);
	viommu_topology_put_fwnode(viommu);
	vdev->priv = NULL;
	viommu_put(viommu);
}

/*
 * Sleeping would lose every domain and mapping with the device's reset, under
 * the feet of drivers that keep theirs. Refusing aborts the transition while
 * everything still works.
 */
static int viommu_freeze(struct virtio_device *vdev)
{
	dev_err(&vdev->dev, "refusing to suspend: mappings cannot be restored yet\n");
	return -EBUSY;
}

static int viommu_restore(struct virtio_device *vdev)
{
	return 0;
}

static const struct virtio_device_id viommu_id_table[] = {
	{ VIRTIO_ID_IOMMU, VIRTIO_DEV_ANY_ID },
	{},
};
MODULE_DEVICE_TABLE(virtio, viommu_id_table);

static const unsigned int viommu_features[] = {
	VIRTIO_IOMMU_F_INPUT_RANGE,
	VIRTIO_IOMMU_F_DOMAIN_RANGE,
	VIRTIO_IOMMU_F_MAP_UNMAP,
	VIRTIO_IOMMU_F_PROBE,
	VIRTIO_IOMMU_F_MMIO,
	VIRTIO_IOMMU_F_BYPASS_CONFIG,
	VIRTIO_IOMMU_F_TOPOLOGY,
};

static struct virtio_driver viommu_driver = {
	.driver.name		= KBUILD_MODNAME,
	.driver.owner		= THIS_MODULE,
	.id_table		= viommu_id_table,
	.feature_table		= viommu_features,
	.feature_table_size	= ARRAY_SIZE(viommu_features),
	.validate		= viommu_config_validate,
	.probe			= viommu_probe,
	.remove			= viommu_remove,
	.freeze			= viommu_freeze,
	.restore		= viommu_restore,
};

static int __init viommu_init(void)
{
	int err;

	err = viommu_domain_setup();
	if (err)
		return err;
	viommu_topology_init();
	err = register_virtio_driver(&viommu_driver);
	if (err) {
		viommu_topology_exit();
		viommu_domain_teardown();
	}
	return err;
}
module_init(viommu_init);

static void __exit viommu_exit(void)
{
	unregister_virtio_driver(&viommu_driver);
	viommu_topology_exit();
	viommu_domain_teardown();
}
module_exit(viommu_exit);

MODULE_DESCRIPTION("Virtio IOMMU driver");
MODULE_LICENSE("GPL");
MODULE_VERSION(VIOMMU_VERSION);
