/** French: changing a plan. */

import type { editing as english } from "./editing_en";

export const editing: Readonly<Record<keyof typeof english, string>> = {
  "edit.title": "Modifier un plan",
  "edit.open": "Modifier",
  "edit.save": "Enregistrer la modification",
  "edit.done": "Modifié : le plan est en vigueur sous cette forme",
  "edit.leave": "Déclarer plutôt un nouveau plan",
  "edit.kept": "Votre saisie est encore là.",
  "edit.undo": "Revenir à ma saisie",
  "edit.volume": "Volume {n}",
  "edit.add_volume": "Ajouter un volume",
  "edit.remove_volume": "Retirer le volume {n}",
  "edit.drag": "Les points se déplacent sur la carte ou se saisissent ici.",
  "edit.point": "Point {n}",
  "edit.own_plans": "Nos propres plans",
  "edit.own_plans.check": "gênent aussi",
  "edit.own_plans.ignore": "peuvent se chevaucher",
  "edit.stale": "Quelqu’un a modifié ce plan entre-temps : il en est à la version {version}, {state}. Votre saisie est encore là.",
  "edit.closed": "Ce plan est maintenant {state} et ne peut plus être modifié. Votre saisie est encore là.",
  "edit.before": "Avant",
  "edit.theirs": "Maintenant",
  "edit.mine": "Le vôtre",
  "edit.look": "Afficher le plan actuel",
  "edit.take": "Reprendre la version actuelle",
  "edit.redo": "Reprendre la version actuelle et y refaire mes modifications",
  "edit.as_new": "Déclarer ma saisie comme nouveau plan",
  "edit.past_start": "L’un des débuts est dans le passé.",
  "edit.past_end": "Tout est dans le passé : plus personne ne peut s’en écarter.",
};
