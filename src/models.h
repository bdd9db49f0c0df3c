/*
 * models.h
 *		What is known of a model: owner, tier, VRAM, rate, each with history.
 */
#ifndef REWARDS_MODELS_H
#define REWARDS_MODELS_H

#include "event.h"
#include "rules.h"

typedef enum ModelFactKind
{
	FACT_OWNER,
	FACT_TIER,
	FACT_VRAM,
	FACT_RATE,
	MODEL_FACTS
} ModelFactKind;

typedef struct ModelFact
{
	int64		id;
	ModelFactKind kind;
	Change		change;
	bool		ended;
	int64		owner;
	Amount		number;			/* VRAM in GB, or rate per token */
	char		tier[64];
} ModelFact;

typedef struct Model
{
	uint64		generation;
	int			nfacts;
	ModelFact	facts[FLEXIBLE_ARRAY_MEMBER];	/* by kind, then oldest first */
} Model;

extern const Model *model_find(Id model);
extern const ModelFact *model_fact(const Model *model, ModelFactKind kind, const AsOf *as_of);
extern Id	model_of_character(Id character);
extern void models_forget(void);
extern void models_init(void);

#endif							/* REWARDS_MODELS_H */
