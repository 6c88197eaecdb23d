/** Arabic: changing a plan. */

import type { editing as english } from "./editing_en";

export const editing: Readonly<Record<keyof typeof english, string>> = {
  "edit.title": "تغيير خطة",
  "edit.open": "تغيير",
  "edit.save": "حفظ التغيير",
  "edit.done": "تغيّرت: الخطة الآن على هذا النحو",
  "edit.leave": "إعلان خطة جديدة بدلًا منها",
  "edit.kept": "ما كتبته لا يزال هنا.",
  "edit.undo": "العودة إلى ما كتبته",
  "edit.volume": "الحجم {n}",
  "edit.add_volume": "إضافة حجم",
  "edit.remove_volume": "إزالة الحجم {n}",
  "edit.drag": "يمكن سحب النقاط على الخريطة أو كتابتها هنا.",
  "edit.point": "النقطة {n}",
  "edit.own_plans": "خططنا نحن",
  "edit.own_plans.check": "تعترض هي أيضًا",
  "edit.own_plans.ignore": "يجوز أن تتداخل",
  "edit.stale": "غيّر أحدهم هذه الخطة في هذه الأثناء: الإصدار {version}، {state}. ما كتبته لا يزال هنا.",
  "edit.closed": "هذه الخطة الآن {state} ولا يمكن تغييرها بعد. ما كتبته لا يزال هنا.",
  "edit.before": "قبل",
  "edit.theirs": "الآن",
  "edit.mine": "لديك",
  "edit.look": "عرضها كما هي الآن",
  "edit.take": "أخذ ما هو قائم",
  "edit.redo": "أخذ القائم وإعادة تغييراتي عليه",
  "edit.as_new": "إعلان ما كتبته كخطة جديدة",
  "edit.past_start": "توجد بداية في الماضي.",
  "edit.past_end": "كل ذلك في الماضي: لم يعد أحد يستطيع تجنّبه.",
};
