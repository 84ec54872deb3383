// SPDX-License-Identifier: GPL-2.0
/*
 * Misbehaviour as told: which requests are to be answered other than they
 * should be.
 */
#include "internal.h"

void mock_script(struct mock *mock, const struct mock_script *script)
{
	unsigned long irq;

	spin_lock_irqsave(&mock->lock, irq);
	if (!WARN_ON(mock->nr_rules == MOCK_MAX_SCRIPTS))
		mock->rule[mock->nr_rules++] = (struct mock_rule) { .script = *script };
	spin_unlock_irqrestore(&mock->lock, irq);
}

void mock_script_clear(struct mock *mock)
{
	unsigned long irq;

	spin_lock_irqsave(&mock->lock, irq);
	mock->nr_rules = 0;
	spin_unlock_irqrestore(&mock->lock, irq);
}

unsigned int mock_script_hits(struct mock *mock)
{
	return READ_ONCE(mock->script_hits);
}

static bool mock_script_fits(const struct mock_script *script, const struct mock_request *request)
{
	if (script->type && script->type != request->type)
		return false;
	if (script->endpoint == MOCK_ANY)
		return true;
	return request->type != VIRTIO_IOMMU_T_MAP && request->type != VIRTIO_IOMMU_T_UNMAP &&
	       script->endpoint == request->endpoint;
}

/**
 * mock_script_match() - Find what a request is to be answered with
 * @mock: the device, its lock held
 * @request: the request
 *
 * Return: the first script that holds for it, or NULL.
 */
const struct mock_script *mock_script_match(struct mock *mock, const struct mock_request *request)
{
	unsigned int i;

	for (i = 0; i < mock->nr_rules; i++) {
		struct mock_rule *rule = &mock->rule[i];
		const struct mock_script *script = &rule->script;

		if (!mock_script_fits(script, request))
			continue;
		rule->matched++;
		if (rule->matched <= script->skip)
			continue;
		if (script->count && rule->matched - script->skip > script->count)
			continue;
		mock->script_hits++;
		return script;
	}
	return NULL;
}
